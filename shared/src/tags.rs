//! The tags by which people steer the functions, and in which the functions remember.

/// On a pipeline: `never` leaves it to people to start it.
pub const START: &str = "goldsmith:start";

/// On an image build, with the reason as its value: no channel is promoted to it.
pub const BLOCKED: &str = "goldsmith:blocked";

/// On an image build that start-pipelines began: what for, such as `parent base 1.0.0/4`.
pub const STARTED_FOR: &str = "goldsmith:started-for";

/// On a pipeline: `never` leaves the images of its family alone.
pub const RETIRE: &str = "goldsmith:retire";

/// On a pipeline: how many AVAILABLE builds of its family stay, whatever their age.
pub const KEEP: &str = "goldsmith:keep";

/// On a pipeline: how long after a newer build was published an image is deprecated, such as `30d`.
pub const DEPRECATE_AFTER: &str = "goldsmith:deprecate-after";

/// On a pipeline: how long after its deprecation an image is disabled.
pub const DISABLE_AFTER: &str = "goldsmith:disable-after";

/// On a pipeline: how long after it was disabled an image is deleted.
pub const DELETE_AFTER: &str = "goldsmith:delete-after";

/// On an image build or AMI, with any value: it is never retired.
pub const KEEP_IMAGE: &str = "goldsmith:keep-image";

/// On an image build: when it was deprecated, in RFC 3339.
pub const DEPRECATED_AT: &str = "goldsmith:deprecated-at";

/// On an image build: when it was disabled, in RFC 3339.
pub const DISABLED_AT: &str = "goldsmith:disabled-at";

/// On an image build, with a number from 1 behind it: the launch permissions that its AMIs had before they were
/// disabled, since EC2 forgets them.
pub const SHARES: &str = "goldsmith:shares-";

/// On a pipeline: how old the newest AVAILABLE build of its family may get, such as `45d`.
pub const STALE_AFTER: &str = "goldsmith:stale-after";

/// In front of a kind of report, such as `goldsmith:report-build-failed`, on a pipeline, an image build or a queue: what
/// was told about it, and when.
pub const REPORT: &str = "goldsmith:report-";

/// On an image build: how often it was tried again after a passing failure, and which workflow execution failed last.
pub const RETRIED: &str = "goldsmith:retried";

/// On an image build, with the reason as its value: its findings are accepted, and it isn't blocked for them.
pub const ACCEPTED: &str = "goldsmith:findings-accepted";
