//! The vulnerabilities: all are invented.

/// A CVSS 3.1 base score in tenths, and its vector.
pub(super) type Cvss = (u32, &'static str);

const TAKEOVER: Cvss = (98, "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H");
const LURED: Cvss = (88, "CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:U/C:H/I:H/A:H");
const HARD: Cvss = (81, "CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:H/I:H/A:H");
const ESCALATION: Cvss = (78, "CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H");
const OUTAGE: Cvss = (75, "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H");
const CRASH: Cvss = (65, "CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:U/C:N/I:N/A:H");
const EAVESDROP: Cvss = (59, "CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:H/I:N/A:N");
const LOCAL_CRASH: Cvss = (55, "CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:N/I:N/A:H");
const LEAK: Cvss = (53, "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:L/I:N/A:N");
const HARD_LEAK: Cvss = (37, "CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:L/I:N/A:N");
const LOCAL_LEAK: Cvss = (33, "CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:L/I:N/A:N");
const NONE: Cvss = (0, "CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:N/I:N/A:N");

/// Whether a release ends a vulnerability.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fix {
    /// Of so many releases in a row the first ones are vulnerable, then all anew under another ID.
    Of { releases: u64, vulnerable: u64 },
    /// The same, but of several packages only the first one gets the fix.
    Partly { releases: u64, vulnerable: u64 },
    /// All are, for good.
    None,
}

/// A kind of vulnerability that a source has again and again.
#[derive(Debug)]
pub(super) struct Flaw {
    /// In which packages.
    pub(super) source: &'static str,
    /// Absent as long as nobody has looked into it.
    pub(super) cvss: Option<Cvss>,
    /// What is wrong, in words that follow `The packages … have`.
    pub(super) what: &'static str,
    /// When it is fixed.
    pub(super) fix: Fix,
}

const fn flaw(source: &'static str, cvss: Cvss, what: &'static str, vulnerable: u64, releases: u64) -> Flaw {
    Flaw { source, cvss: Some(cvss), what, fix: Fix::Of { releases, vulnerable } }
}

/// What images can have. The place in the list is part of the IDs.
pub(super) const FLAWS: &[Flaw] = &[
    flaw("openssl", TAKEOVER, "an overflow in an imaginary handshake", 1, 3),
    flaw("openssl", EAVESDROP, "a made-up timing difference in a cipher", 1, 2),
    flaw("kernel", ESCALATION, "a use after free in a file system that nobody has", 1, 2),
    flaw("kernel", LOCAL_CRASH, "a race in an invented driver", 2, 3),
    flaw("kernel", HARD, "a flaw in a protocol of 2099", 1, 4),
    flaw("glibc", LURED, "a buffer overrun in a fictitious locale", 1, 3),
    Flaw { source: "glibc", cvss: Some(LOCAL_LEAK), what: "an example of a leak that stays", fix: Fix::None },
    flaw("curl", CRASH, "a bad free for a URL that doesn't exist", 1, 2),
    flaw("curl", LEAK, "headers that would go to the wrong example host", 1, 3),
    flaw("openssh", HARD, "a fictitious race in its signal handling", 1, 4),
    flaw("openssh", HARD_LEAK, "an answer that would tell made-up user names", 1, 3),
    flaw("expat", OUTAGE, "an endless loop in a document of 2099", 1, 3),
    flaw("libxml2", CRASH, "an invented entity that expands for ever", 1, 2),
    Flaw {
        source: "python3",
        cvss: Some(OUTAGE),
        what: "an imaginary decoder without limits",
        fix: Fix::Partly { releases: 3, vulnerable: 1 },
    },
    flaw("python3", LEAK, "a made-up mistake in reading addresses", 1, 2),
    flaw("sudo", ESCALATION, "a fictitious option that isn't checked", 1, 4),
    Flaw {
        source: "systemd",
        cvss: None,
        what: "something that nobody has looked into",
        fix: Fix::Of { releases: 4, vulnerable: 1 },
    },
    flaw("vim", LOCAL_LEAK, "an invented script that is read too far", 1, 2),
    flaw("zlib", TAKEOVER, "an overrun in a compression level that doesn't exist", 1, 5),
    Flaw { source: "tar", cvss: Some(NONE), what: "a note for an example archive", fix: Fix::None },
    flaw("xz", CRASH, "a fictitious archive that never ends", 1, 3),
    flaw("krb5", OUTAGE, "a made-up ticket that stops the service", 1, 3),
    flaw("docker", LURED, "an imaginary image that leaves its sandbox", 1, 3),
    flaw("runc", ESCALATION, "an invented descriptor that is left open", 1, 2),
    flaw("java", OUTAGE, "a made-up class that is never unloaded", 1, 2),
    flaw("nginx", CRASH, "a fictitious request that ends a worker", 1, 2),
    flaw("httpd", LEAK, "an example path that is shown", 1, 2),
    flaw("nodejs", OUTAGE, "an imaginary stream without backpressure", 1, 2),
    flaw("5030216", TAKEOVER, "an invented message that runs code", 1, 3),
    flaw("5030216", ESCALATION, "a fictitious token that isn't checked", 1, 2),
    flaw("5031605", LURED, "a made-up document that runs code", 1, 3),
    flaw("5012170", LOCAL_CRASH, "an imaginary boot entry", 2, 3),
    Flaw { source: "4589208", cvss: Some(LOCAL_LEAK), what: "an example of a processor's leak", fix: Fix::None },
    flaw("edge", LURED, "a page of 2099 that is drawn too late", 1, 2),
    Flaw {
        source: "vc",
        cvss: None,
        what: "something that nobody has looked into",
        fix: Fix::Of { releases: 4, vulnerable: 1 },
    },
];

/// The severity that goes with a score in tenths.
pub(super) fn severity(score: Option<u32>) -> &'static str {
    match score {
        None => "UNTRIAGED",
        Some(0) => "INFORMATIONAL",
        Some(..40) => "LOW",
        Some(..70) => "MEDIUM",
        Some(..90) => "HIGH",
        Some(_) => "CRITICAL",
    }
}
