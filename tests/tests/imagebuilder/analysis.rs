//! Packages, scans and findings.
