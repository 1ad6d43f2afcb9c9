//! From a function's code folder to its executable: a `bootstrap` that is there already, or a Cargo package
//! that is built now.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use tokio::process::Command;

/// Why a function has no executable.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    /// The folder is neither form of code.
    #[error("{}: expected a folder with a file `bootstrap` (a built function) or a Cargo.toml (a package to build)", .0.display())]
    NotCode(PathBuf),
    /// The package has no binary that could be meant.
    #[error("{}: expected one binary, or one with the name of the package, {package}; found {found:?}", .folder.display())]
    NoBinary {
        /// The code folder.
        folder: PathBuf,
        /// The package's name.
        package: String,
        /// The binaries' names.
        found: Vec<String>,
    },
    /// Cargo couldn't be started.
    #[error("`{}` can't be run", .cargo.display())]
    NoCargo {
        /// The command.
        cargo: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Cargo failed, and has told why on standard error.
    #[error("`cargo {command}` in {} failed ({status}){detail}", .folder.display())]
    Cargo {
        /// The subcommand.
        command: &'static str,
        /// Where it ran.
        folder: PathBuf,
        /// How it ended.
        status: ExitStatus,
        /// What else is known, with a leading colon.
        detail: String,
    },
    /// Cargo's answer isn't in the form that it documents.
    #[error("`cargo metadata` for {} answered in an unknown form", .0.display())]
    Metadata(PathBuf),
}

/// A package to build.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Package {
    name: String,
    binary: String,
    workspace: PathBuf,
    manifest: PathBuf,
}

/// The executables of code folders, by folder as given. Packages of one workspace are built together, in
/// the dev profile, with Cargo's progress on standard error.
///
/// # Errors
/// A folder that holds no code, and whatever stops the build.
pub async fn executables(codes: &[PathBuf]) -> Result<BTreeMap<PathBuf, PathBuf>, PackageError> {
    let mut executables = BTreeMap::new();
    let mut packages: Vec<(PathBuf, Package)> = Vec::new();
    for code in codes.iter().collect::<BTreeSet<_>>() {
        let bootstrap = code.join("bootstrap");
        if bootstrap.is_file() {
            executables.insert(code.clone(), bootstrap);
        } else if code.join("Cargo.toml").is_file() {
            packages.push((code.clone(), describe(code).await?));
        } else {
            return Err(PackageError::NotCode(code.clone()));
        }
    }
    let workspaces: BTreeSet<_> = packages.iter().map(|(_, package)| package.workspace.clone()).collect();
    for workspace in workspaces {
        let ours = || packages.iter().filter(|(_, package)| package.workspace == workspace);
        let names: BTreeSet<_> = ours().map(|(_, package)| package.name.as_str()).collect();
        let messages = build(&workspace, &names).await?;
        for (code, package) in ours() {
            let executable = executable(&messages, package).ok_or_else(|| no_binary(code, &package.name, vec![]))?;
            executables.insert(code.clone(), executable);
        }
    }
    Ok(executables)
}

fn no_binary(folder: &Path, package: &str, found: Vec<String>) -> PackageError {
    PackageError::NoBinary { folder: folder.to_owned(), package: package.to_owned(), found }
}

fn cargo() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// What Cargo knows of the package in a folder.
async fn describe(code: &Path) -> Result<Package, PackageError> {
    let canonical = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let manifest = canonical(&code.join("Cargo.toml"));
    let output = run("metadata", code, |command| {
        command.args(["--no-deps", "--format-version", "1", "--manifest-path"]).arg(&manifest);
        command.stderr(Stdio::piped());
    })
    .await?;
    let unknown = || PackageError::Metadata(manifest.clone());
    let metadata: Value = serde_json::from_slice(&output).map_err(|_| unknown())?;
    let workspace = metadata["workspace_root"].as_str().ok_or_else(unknown)?.into();
    let is_ours =
        |package: &&Value| package["manifest_path"].as_str().is_some_and(|path| canonical(Path::new(path)) == manifest);
    let packages = metadata["packages"].as_array().ok_or_else(unknown)?;
    // A manifest without a package is that of a workspace alone.
    let package = packages.iter().find(is_ours).ok_or_else(|| PackageError::NotCode(code.to_owned()))?;
    let name = package["name"].as_str().ok_or_else(unknown)?.to_owned();
    let manifest = package["manifest_path"].as_str().ok_or_else(unknown)?.into();
    let binaries: Vec<String> = package["targets"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|target| is_binary(target))
        .filter_map(|target| Some(target["name"].as_str()?.to_owned()))
        .collect();
    let binary = match binaries.as_slice() {
        [only] => only.clone(),
        several if several.contains(&name) => name.clone(),
        _ => return Err(no_binary(code, &name, binaries)),
    };
    Ok(Package { name, binary, workspace, manifest })
}

/// Builds packages of one workspace; the answer is Cargo's messages.
async fn build(workspace: &Path, names: &BTreeSet<&str>) -> Result<Vec<Value>, PackageError> {
    let output = run("build", workspace, |command| {
        command.args(["--bins", "--message-format=json-render-diagnostics"]);
        for name in names {
            command.args(["-p", name]);
        }
        // The user sees the progress.
        command.stderr(Stdio::inherit());
    })
    .await?;
    Ok(output.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect())
}

async fn run(
    subcommand: &'static str,
    folder: &Path,
    arguments: impl FnOnce(&mut Command),
) -> Result<Vec<u8>, PackageError> {
    let cargo = cargo();
    let mut command = Command::new(&cargo);
    command.arg(subcommand).current_dir(folder).stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
    // Under `cargo run` and `cargo test` Cargo's variables describe the package that runs. Build scripts
    // look at them: left in place, they would have dependencies built anew each time.
    for (name, _) in std::env::vars_os().filter(|(name, _)| is_of_a_package(&name.to_string_lossy())) {
        command.env_remove(name);
    }
    arguments(&mut command);
    let spawned = command.spawn();
    let output = match spawned {
        Ok(child) => child.wait_with_output().await,
        Err(error) => Err(error),
    };
    let output = output.map_err(|source| PackageError::NoCargo { cargo: cargo.into(), source })?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let told = String::from_utf8_lossy(&output.stderr);
    let detail = if told.is_empty() { String::new() } else { format!(": {}", told.trim_end()) };
    Err(PackageError::Cargo { command: subcommand, folder: folder.to_owned(), status: output.status, detail })
}

fn is_of_a_package(variable: &str) -> bool {
    let prefixes = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CFG_", "CARGO_FEATURE_"];
    prefixes.iter().any(|prefix| variable.starts_with(prefix))
        || ["CARGO_CRATE_NAME", "CARGO_PRIMARY_PACKAGE", "OUT_DIR"].contains(&variable)
}

fn is_binary(target: &Value) -> bool {
    target["kind"].as_array().is_some_and(|kinds| kinds.iter().any(|kind| kind == "bin"))
}

/// The executable of a package's binary among Cargo's messages.
fn executable(messages: &[Value], package: &Package) -> Option<PathBuf> {
    let ours = |message: &&Value| {
        message["reason"] == "compiler-artifact"
            && message["manifest_path"].as_str().is_some_and(|path| Path::new(path) == package.manifest)
            && is_binary(&message["target"])
            && message["target"]["name"].as_str() == Some(&package.binary)
    };
    Some(messages.iter().find(ours)?["executable"].as_str()?.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("goldsmith-package-{name}-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("src")).unwrap();
        folder
    }

    #[tokio::test]
    async fn a_built_function_is_used_as_it_is() {
        let folder = folder("built");
        std::fs::write(folder.join("bootstrap"), "").unwrap();
        let got = executables(&[folder.clone(), folder.clone()]).await.unwrap();
        std::fs::remove_dir_all(&folder).unwrap();
        assert_eq!(got, BTreeMap::from([(folder.clone(), folder.join("bootstrap"))]));
    }

    #[tokio::test]
    async fn a_folder_without_code_is_named_with_what_was_expected() {
        let folder = folder("empty");
        let error = executables(std::slice::from_ref(&folder)).await.unwrap_err();
        std::fs::remove_dir_all(&folder).unwrap();
        let text = error.to_string();
        assert!(text.starts_with(&folder.display().to_string()) && text.contains("`bootstrap`"), "{text}");
    }

    #[tokio::test]
    async fn cargo_tells_the_package_its_binary_and_its_workspace() {
        let folder = folder("described");
        let manifest = "[workspace]\n[package]\nname = \"tiny-function\"\nversion = \"0.1.0\"\nedition = \"2024\"\n";
        std::fs::write(folder.join("Cargo.toml"), manifest).unwrap();
        std::fs::create_dir_all(folder.join("src/bin")).unwrap();
        std::fs::write(folder.join("src/bin/other.rs"), "fn main() {}").unwrap();
        let one = describe(&folder).await.unwrap();
        std::fs::write(folder.join("src/bin/third.rs"), "fn main() {}").unwrap();
        let none = describe(&folder).await.unwrap_err().to_string();
        std::fs::write(folder.join("src/main.rs"), "fn main() {}").unwrap();
        let named = describe(&folder).await.unwrap();
        std::fs::remove_dir_all(&folder).unwrap();
        assert_eq!((one.name.as_str(), one.binary.as_str()), ("tiny-function", "other"));
        assert!(one.manifest.starts_with(&one.workspace));
        assert!(none.contains("tiny-function") && none.contains("third"), "{none}");
        assert_eq!(named.binary, "tiny-function");
    }

    #[test]
    fn the_executable_is_that_of_the_packages_own_binary() {
        let package = Package {
            name: "f".to_owned(),
            binary: "f".to_owned(),
            workspace: "/w".into(),
            manifest: "/w/f/Cargo.toml".into(),
        };
        let artifact = |manifest: &str, kind: &str, name: &str, executable: Value| {
            json!({
                "reason": "compiler-artifact", "manifest_path": manifest,
                "target": {"kind": [kind], "name": name}, "executable": executable,
            })
        };
        let messages = [
            json!({"reason": "build-script-executed"}),
            artifact("/w/f/Cargo.toml", "lib", "f", Value::Null),
            artifact("/w/g/Cargo.toml", "bin", "f", json!("/t/wrong")),
            artifact("/w/f/Cargo.toml", "bin", "g", json!("/t/wrong")),
            artifact("/w/f/Cargo.toml", "bin", "f", json!("/t/f")),
        ];
        assert_eq!(executable(&messages, &package), Some("/t/f".into()));
        assert_eq!(executable(&messages[..4], &package), None);
    }
}
