//! The calls that a writer asks for, and what they lead to.

use super::action::Made;
use super::facts::Trouble;
use super::place::Content;
use shared::arn::ImageBuildArn;
use shared::image::Image;
use shared::plan::Outcome;
use shared::published::Published;

/// A call to Parameter Store or Image Builder, for the place that the writer was made for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// ssm:GetParameterHistory, all pages. Answer: [`Answer::History`].
    History,
    /// ssm:PutParameter with the build's ARN as description, type String, tier Standard, overwriting.
    /// Answer: [`Answer::Version`], [`Refusal::Full`].
    Put {
        /// The build.
        build: ImageBuildArn,
        /// What it is to hold.
        content: Content,
    },
    /// ssm:LabelParameterVersion, at most ten labels. Answer: [`Answer::Done`], [`Refusal::NoVersion`],
    /// [`Refusal::Labels`], [`Refusal::Invalid`].
    Label {
        /// The version.
        version: i64,
        /// The labels, which leave the versions that they are on.
        labels: Vec<String>,
    },
    /// ssm:UnlabelParameterVersion, at most ten labels. Answer: [`Answer::Done`], even if the version doesn't carry them
    /// (any more), [`Refusal::NoVersion`].
    Unlabel {
        /// The version.
        version: i64,
        /// The labels.
        labels: Vec<String>,
    },
    /// imagebuilder:GetImage. Answer: [`Answer::Image`].
    Look(ImageBuildArn),
    /// Wait, for Parameter Store hasn't validated a version yet, or not every host of it knows it. Answer:
    /// [`Answer::Done`].
    Pause {
        /// How many pauses there were before in a row, from 0: a tenth of a second at first, then longer up to a second.
        before: u32,
    },
}

/// What a call led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The versions, oldest first; none for a parameter that doesn't exist.
    History(Vec<Published>),
    /// The version that PutParameter made.
    Version(i64),
    /// It is done.
    Done,
    /// The build as Image Builder knows it now; none for one that it doesn't know.
    Image(Option<Box<Image>>),
    /// Parameter Store refused.
    Refused(Refusal),
    /// The call failed: the writer ends.
    Failed(Trouble),
}

/// What Parameter Store refuses, by its error codes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// `ParameterMaxVersionLimitExceeded`: the oldest of 100 versions carries a label.
    Full,
    /// `ParameterVersionNotFound`.
    NoVersion,
    /// `ParameterVersionLabelLimitExceeded`: a version has ten labels at most.
    Labels,
    /// LabelParameterVersion's `InvalidLabels`.
    Invalid(Vec<String>),
}

/// What comes next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Make this call, and tell the answer.
    Call(Call),
    /// It is over.
    Done(Outcome<Made>),
}
