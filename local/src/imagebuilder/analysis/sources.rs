//! What packages are built from: the sources that images of an operating system have, and their releases.

use super::system::System;
use crate::clock::Time;
use crate::draw::Seed;
use chrono::{DateTime, TimeDelta};

/// Packages that are built and released together.
#[derive(Debug)]
pub(super) struct Source {
    /// By which vulnerabilities name it. That of an update of Windows is the number of its first release.
    pub(super) name: &'static str,
    /// Words in the names of components that install it; none for what every image has.
    with: &'static [&'static str],
    /// The packages as RPMs or applications are named.
    rpm: &'static [&'static str],
    /// The packages as Debian names them.
    deb: &'static [&'static str],
    /// What the packages are versions of: Amazon Linux 2023, Amazon Linux 2, Ubuntu, other. Empty where there is none.
    versions: [&'static str; 4],
}

const fn base(
    name: &'static str,
    rpm: &'static [&'static str],
    deb: &'static [&'static str],
    versions: [&'static str; 4],
) -> Source {
    Source { name, with: &[], rpm, deb, versions }
}

const fn extra(
    with: &'static [&'static str],
    name: &'static str,
    rpm: &'static [&'static str],
    version: &'static str,
) -> Source {
    Source { name, with, rpm, deb: rpm, versions: [version; 4] }
}

const LINUX: &[Source] = &[
    base("acl", &["acl", "libacl"], &["acl", "libacl1"], ["2.3.1", "2.2.51", "2.3.1", "2.3.1"]),
    base("amazon-ssm-agent", &["amazon-ssm-agent"], &["amazon-ssm-agent"], ["3.3.987.0", "3.3.987.0", "3.3.987.0", ""]),
    base("bash", &["bash"], &["bash"], ["5.2.15", "4.2.46", "5.1.16", "5.1.8"]),
    base("bzip2", &["bzip2", "bzip2-libs"], &["bzip2", "libbz2-1.0"], ["1.0.8", "1.0.6", "1.0.8", "1.0.8"]),
    base(
        "ca-certificates",
        &["ca-certificates"],
        &["ca-certificates"],
        ["2023.2.68", "2023.2.64", "20240203", "2024.2"],
    ),
    base("chrony", &["chrony"], &["chrony"], ["4.3", "4.2", "4.2", "4.5"]),
    base("cloud-init", &["cloud-init"], &["cloud-init"], ["22.2.2", "19.3", "24.1.3", "23.4"]),
    base("coreutils", &["coreutils", "coreutils-common"], &["coreutils"], ["8.32", "8.22", "8.32", "8.32"]),
    base("curl", &["curl", "libcurl"], &["curl", "libcurl4"], ["8.5.0", "8.3.0", "7.81.0", "7.76.1"]),
    base("dbus", &["dbus", "dbus-libs"], &["dbus", "libdbus-1-3"], ["1.12.28", "1.10.24", "1.12.20", "1.12.20"]),
    base("expat", &["expat"], &["libexpat1"], ["2.5.0", "2.1.0", "2.4.7", "2.5.0"]),
    base("glib2", &["glib2"], &["libglib2.0-0"], ["2.74.7", "2.56.1", "2.72.4", "2.68.4"]),
    base("glibc", &["glibc", "glibc-common"], &["libc6", "libc-bin"], ["2.34", "2.26", "2.35", "2.34"]),
    base("gnutls", &["gnutls"], &["libgnutls30"], ["3.8.0", "3.3.29", "3.7.3", "3.7.6"]),
    base("grub2", &["grub2-common", "grub2-tools"], &["grub-common", "grub2-common"], ["2.06", "2.06", "2.06", "2.06"]),
    base("gzip", &["gzip"], &["gzip"], ["1.12", "1.5", "1.10", "1.12"]),
    base("kernel", &["kernel", "kernel-tools"], &["linux-image-aws"], ["6.1.79", "5.10.209", "6.5.0", "5.14.0"]),
    base("krb5", &["krb5-libs"], &["libkrb5-3"], ["1.21", "1.15.1", "1.19.2", "1.20.1"]),
    base("libxml2", &["libxml2"], &["libxml2"], ["2.10.4", "2.9.1", "2.9.13", "2.9.13"]),
    base("ncurses", &["ncurses", "ncurses-libs"], &["ncurses-base", "libncurses6"], ["6.2", "6.0", "6.3", "6.2"]),
    base("openssh", &["openssh", "openssh-server"], &["openssh-server"], ["8.7p1", "7.4p1", "8.9p1", "8.7p1"]),
    base("openssl", &["openssl", "openssl-libs"], &["openssl", "libssl3"], ["3.0.8", "1.0.2k", "3.0.2", "3.0.7"]),
    base("pam", &["pam"], &["libpam0g", "libpam-modules"], ["1.5.1", "1.1.8", "1.4.0", "1.5.1"]),
    base("pcre2", &["pcre2"], &["libpcre2-8-0"], ["10.40", "10.23", "10.39", "10.40"]),
    base(
        "python3",
        &["python3", "python3-libs"],
        &["python3", "python3-minimal"],
        ["3.9.16", "3.7.16", "3.10.6", "3.9.18"],
    ),
    base("rsyslog", &["rsyslog"], &["rsyslog"], ["8.2204.0", "8.24.0", "8.2112.0", "8.2310.0"]),
    base("sqlite", &["sqlite-libs"], &["libsqlite3-0"], ["3.40.0", "3.7.17", "3.37.2", "3.34.1"]),
    base("sudo", &["sudo"], &["sudo"], ["1.9.15", "1.8.23", "1.9.9", "1.9.5p2"]),
    base("systemd", &["systemd", "systemd-libs"], &["systemd", "libsystemd0"], ["252.16", "219", "249.11", "252"]),
    base("tar", &["tar"], &["tar"], ["1.34", "1.26", "1.34", "1.34"]),
    base("tzdata", &["tzdata"], &["tzdata"], ["2024a", "2024a", "2024a", "2024a"]),
    base(
        "util-linux",
        &["util-linux", "libblkid"],
        &["util-linux", "libblkid1"],
        ["2.37.4", "2.30.2", "2.37.2", "2.37.4"],
    ),
    base("vim", &["vim-minimal"], &["vim-tiny"], ["9.0.2153", "9.0.2153", "8.2.3995", "8.2.2637"]),
    base("xz", &["xz", "xz-libs"], &["xz-utils", "liblzma5"], ["5.2.5", "5.2.2", "5.2.5", "5.2.5"]),
    base("zlib", &["zlib"], &["zlib1g"], ["1.2.11", "1.2.7", "1.2.11", "1.2.11"]),
    extra(&["cloudwatch"], "amazon-cloudwatch-agent", &["amazon-cloudwatch-agent"], "1.300034.1"),
    extra(&["cli"], "awscli-2", &["awscli-2"], "2.15.30"),
    extra(&["docker"], "containerd", &["containerd"], "1.7.11"),
    extra(&["docker"], "docker", &["docker"], "25.0.3"),
    extra(&["docker"], "runc", &["runc"], "1.1.11"),
    extra(&["dotnet"], "dotnet", &["dotnet-host", "dotnet-runtime-8.0"], "8.0.3"),
    extra(&["git"], "git", &["git"], "2.40.1"),
    extra(&["go"], "golang", &["golang", "golang-bin"], "1.21.8"),
    extra(&["apache", "httpd"], "httpd", &["httpd", "httpd-tools"], "2.4.58"),
    extra(&["corretto", "java"], "java", &["java-17-amazon-corretto", "java-17-amazon-corretto-headless"], "17.0.10+8"),
    extra(&["mate"], "mate-desktop", &["mate-desktop"], "1.26.0"),
    extra(&["nginx", "web"], "nginx", &["nginx", "nginx-core"], "1.24.0"),
    extra(&["node", "nodejs"], "nodejs", &["nodejs", "npm"], "18.18.2"),
    extra(&["php"], "php", &["php-cli", "php-common"], "8.2.15"),
    extra(&["postgres", "postgresql"], "postgresql", &["postgresql15"], "15.6"),
    extra(&["powershell"], "powershell", &["powershell"], "7.4.1"),
    extra(&["python"], "python-pip", &["python3-pip", "python3-setuptools"], "21.3.1"),
    extra(&["redis"], "redis", &["redis6"], "6.2.14"),
];

const WINDOWS: &[Source] = &[
    extra(&[], "5030216", &[], ""),
    extra(&[], "5031605", &[], ""),
    extra(&[], "5012170", &[], ""),
    extra(&[], "4589208", &[], ""),
    extra(&[], "ssm", &["Amazon SSM Agent"], "3.3.987"),
    extra(&[], "cfn", &["aws-cfn-bootstrap"], "2.0"),
    extra(&[], "tools", &["AWS Tools for Windows"], "3.15.2455"),
    extra(&[], "pv", &["AWS PV Drivers"], "8.4"),
    extra(&[], "ena", &["AWS ENA Driver"], "2.7"),
    extra(&[], "nvme", &["AWS NVMe Driver"], "1.5"),
    extra(&[], "launch", &["Amazon EC2Launch"], "2.0.1815"),
    extra(&[], "edge", &["Microsoft Edge", "Microsoft Edge Update"], "122.0.2365"),
    extra(&[], "vc", &["Microsoft Visual C++ 2015-2022 Redistributable (x64)"], "14.38.33130"),
    extra(&["cloudwatch"], "amazon-cloudwatch-agent", &["Amazon CloudWatch Agent"], "1.300034"),
    extra(&["cli"], "awscli-2", &["AWS Command Line Interface v2"], "2.15"),
    extra(&["chocolatey"], "chocolatey", &["Chocolatey"], "2.2"),
    extra(&["corretto", "java"], "java", &["Amazon Corretto 11 (x64)"], "11.0.22"),
    extra(&["dotnet"], "dotnet", &["Microsoft .NET Runtime - 8.0 (x64)"], "8.0"),
    extra(&["go"], "golang", &["Go Programming Language amd64"], "1.21"),
    extra(&["powershell"], "powershell", &["PowerShell 7-x64"], "7.4"),
    extra(&["python"], "python3", &["Python 3 (64-bit)"], "3.12"),
];

const MACOS: &[Source] = &[
    extra(&[], "amazon-ssm-agent", &["amazon-ssm-agent"], "3.3.987.0"),
    extra(&[], "ec2-macos-init", &["ec2-macos-init"], "1.5.9"),
    extra(&[], "curl", &["curl"], "8.5.0"),
    extra(&[], "git", &["git"], "2.40.1"),
    extra(&[], "openssl", &["openssl@3"], "3.2.1"),
    extra(&[], "python3", &["python@3.11"], "3.11.8"),
    extra(&["cli"], "awscli-2", &["awscli"], "2.15.30"),
    extra(&["corretto", "java"], "java", &["corretto17"], "17.0.10"),
];

/// The sources of an image with these components, by their names.
pub(super) fn of<'a>(system: System, components: &'a [String]) -> impl Iterator<Item = &'static Source> + 'a {
    let installed = |with: &[&str]| components.iter().any(|name| name.split('-').any(|word| with.contains(&word)));
    all(system).iter().filter(move |source| {
        !source.versions[column(system)].is_empty() | source.is_update()
            && (source.with.is_empty() || installed(source.with))
    })
}

fn all(system: System) -> &'static [Source] {
    match system {
        System::Windows(_) => WINDOWS,
        System::MacOs => MACOS,
        _ => LINUX,
    }
}

/// The source of a name, which images of an operating system have or can have.
pub(super) fn named(system: System, name: &str) -> Option<&'static Source> {
    all(system).iter().find(|source| source.name == name)
}

fn column(system: System) -> usize {
    match system {
        System::AmazonLinux2023 => 0,
        System::AmazonLinux2 => 1,
        System::Ubuntu(_) => 2,
        _ => 3,
    }
}

/// What releases are counted in.
fn fortnight() -> TimeDelta {
    TimeDelta::days(14)
}

/// From when on releases are counted.
fn epoch() -> Time {
    DateTime::UNIX_EPOCH + TimeDelta::days(50 * 365)
}

/// How many fortnights' releases a system of this time has.
pub(super) fn level(at: Time) -> u64 {
    let days = (at - epoch()).num_days() / fortnight().num_days();
    u64::try_from(days).unwrap_or_default()
}

impl Source {
    /// Whether it is an update of Windows, whose name is a number.
    pub(super) fn is_update(&self) -> bool {
        self.name.starts_with(|first: char| first.is_ascii_digit())
    }

    /// The names of its packages. Each release of an update of Windows has its own.
    pub(super) fn packages(&self, system: System, revision: u64) -> Vec<String> {
        if let (true, Ok(first)) = (self.is_update(), self.name.parse::<u64>()) {
            return vec![format!("KB{}", first + 37 * revision)];
        }
        let names = if matches!(system, System::Ubuntu(_)) { self.deb } else { self.rpm };
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    /// The version that its packages have after so many releases.
    pub(super) fn version(&self, system: System, revision: u64) -> String {
        system.version(self.versions[column(system)], revision)
    }

    /// Every how many fortnights it is released, and how far it was at the beginning.
    fn cadence(&self, seed: Seed) -> (u64, u64) {
        let draw = seed.draw(&["package releases", self.name]);
        let every = if self.is_update() { 2 } else { 3 + draw % 7 };
        (every, (draw >> 8) % every)
    }

    /// How many releases it has had at a level.
    pub(super) fn revision(&self, seed: Seed, level: u64) -> u64 {
        let (every, phase) = self.cadence(seed);
        (level + phase) / every
    }

    /// When a release came out.
    pub(super) fn released(&self, seed: Seed, revision: u64) -> Time {
        let (every, phase) = self.cadence(seed);
        let level = (revision * every).saturating_sub(phase);
        epoch() + fortnight() * i32::try_from(level).unwrap_or_default()
    }
}
