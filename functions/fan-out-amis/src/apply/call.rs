//! A writer's calls, as they are made.

use crate::observe::{Reader, history, look};
use crate::plan::{Answer, Call, Content, DataType, Facts, Known, Place, Refusal, Trouble};
use aws_sdk_ssm::types::{ParameterTier, ParameterType};
use lambda_runtime::tracing::info;
use shared::arn::ImageBuildArn;
use shared::image::{Image, Status};
use shared::inventory::CallError;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// For so long, what Image Builder answered about a build holds: a build has to be AVAILABLE when it is written, and fifty
/// places are written at the same time.
const FRESH: Duration = Duration::from_secs(1);

/// The first pause of a writer, and the longest.
const PAUSE: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(1);

/// A build as it was when it was asked for.
type Seen = (Instant, Option<Box<Image>>);

/// What the writers of one plan share.
#[derive(Debug)]
pub(super) struct Writing<'a> {
    pub(super) reader: Reader<'a>,
    seen: Mutex<BTreeMap<ImageBuildArn, Seen>>,
    written: AtomicUsize,
}

impl<'a> Writing<'a> {
    /// What the facts say about builds is as old as `since`.
    pub(super) fn new(reader: Reader<'a>, since: Instant, facts: &Facts) -> Self {
        let known = facts.images.iter().filter_map(|(build, known)| match known {
            Known::Is(image) => Some((build.clone(), (since, Some(image.clone())))),
            Known::Gone | Known::Unread(_) => None,
        });
        Self { reader, seen: Mutex::new(known.collect()), written: AtomicUsize::new(0) }
    }

    /// How many versions were written.
    pub(super) fn written(&self) -> usize {
        self.written.load(Ordering::Relaxed)
    }

    /// Makes a call in a place, for a family's parameter.
    pub(super) async fn make(&self, family: &str, place: &Place, call: Call) -> Answer {
        let parameter = self.reader.settings.parameter(family);
        let answer = match call {
            Call::History => history(self.reader, place, &parameter).await.map(Answer::History),
            Call::Put { build, content } => self.put(place, &parameter, &build, &content).await,
            Call::Label { version, labels } => self.label(place, &parameter, version, labels).await,
            Call::Unlabel { version, labels } => self.unlabel(place, &parameter, version, labels).await,
            Call::Look(build) => self.look(&build).await.map(Answer::Image),
            Call::Pause { before } => {
                tokio::time::sleep(pause(before)).await;
                Ok(Answer::Done)
            }
        };
        answer.unwrap_or_else(Answer::Failed)
    }

    /// One GetImage for all places that are about to be written: who comes second waits for the first one's answer.
    async fn look(&self, build: &ImageBuildArn) -> Result<Option<Box<Image>>, Trouble> {
        let mut seen = self.seen.lock().await;
        if let Some((at, image)) = seen.get(build)
            && at.elapsed() < FRESH
        {
            return Ok(image.clone());
        }
        let now = Instant::now();
        let image = look(self.reader, build).await?.map(Box::new);
        seen.insert(build.clone(), (now, image.clone()));
        Ok(image)
    }

    /// ssm:PutParameter, of a build that is AVAILABLE now.
    async fn put(
        &self,
        place: &Place,
        parameter: &str,
        build: &ImageBuildArn,
        content: &Content,
    ) -> Result<Answer, Trouble> {
        let client = self.reader.clients.ssm(place).await?;
        let status = self.look(build).await?.map(|image| image.status);
        if status != Some(Status::Available) {
            let status = status.map_or_else(|| "gone".to_owned(), |status| status.to_string());
            return Err(Trouble { error: format!("{build} became {status} and isn't written"), retryable: false });
        }
        let Content { value, data_type } = content;
        let image = build.to_string();
        let kind = match data_type {
            DataType::Image => "aws:ec2:image",
            DataType::Text => "text",
        };
        let call = async || {
            let call = client.put_parameter().name(parameter).value(value).description(&image).overwrite(true);
            call.r#type(ParameterType::String).data_type(kind).tier(ParameterTier::Standard).send().await
        };
        match self.reader.calls.make("PutParameter", &format!("{parameter} in {place}"), call).await {
            Ok(answer) => {
                self.written.fetch_add(1, Ordering::Relaxed);
                let (region, account, version) = (&place.region, &place.account, answer.version);
                info!(image, region, account, parameter, version, value, "written");
                Ok(Answer::Version(version))
            }
            Err(error) => refused(error),
        }
    }

    /// ssm:LabelParameterVersion
    async fn label(
        &self,
        place: &Place,
        parameter: &str,
        version: i64,
        labels: Vec<String>,
    ) -> Result<Answer, Trouble> {
        let client = self.reader.clients.ssm(place).await?;
        let call = async || {
            let call = client.label_parameter_version().name(parameter).parameter_version(version);
            call.set_labels(Some(labels.clone())).send().await
        };
        match self.reader.calls.make("LabelParameterVersion", &format!("{parameter} in {place}"), call).await {
            Ok(answer) => match answer.invalid_labels.unwrap_or_default() {
                invalid if invalid.is_empty() => {
                    let (region, account) = (&place.region, &place.account);
                    info!(region, account, parameter, version, labels = labels.join(" "), "labelled");
                    Ok(Answer::Done)
                }
                invalid => Ok(Answer::Refused(Refusal::Invalid(invalid))),
            },
            Err(error) => refused(error),
        }
    }

    /// ssm:UnlabelParameterVersion. Labels that the version doesn't carry are answered as invalid ones: then it is as
    /// wanted.
    async fn unlabel(
        &self,
        place: &Place,
        parameter: &str,
        version: i64,
        labels: Vec<String>,
    ) -> Result<Answer, Trouble> {
        let client = self.reader.clients.ssm(place).await?;
        let call = async || {
            let call = client.unlabel_parameter_version().name(parameter).parameter_version(version);
            call.set_labels(Some(labels.clone())).send().await
        };
        match self.reader.calls.make("UnlabelParameterVersion", &format!("{parameter} in {place}"), call).await {
            Ok(_) => {
                let (region, account) = (&place.region, &place.account);
                info!(region, account, parameter, version, labels = labels.join(" "), "no longer labelled");
                Ok(Answer::Done)
            }
            Err(error) => refused(error),
        }
    }
}

/// What the writer can do something about.
fn refused(error: CallError) -> Result<Answer, Trouble> {
    let refusal = match error.code() {
        Some("ParameterMaxVersionLimitExceeded") => Refusal::Full,
        Some("ParameterVersionNotFound") => Refusal::NoVersion,
        Some("ParameterVersionLabelLimitExceeded") => Refusal::Labels,
        _ => return Err(error.into()),
    };
    Ok(Answer::Refused(refusal))
}

/// A tenth of a second, half as much again each time, at most a second.
fn pause(before: u32) -> Duration {
    PAUSE.mul_f64(1.5_f64.powi(before.min(6).cast_signed())).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_second() {
        let millis: Vec<_> = (0..9).map(|before| pause(before).as_millis()).collect();
        assert_eq!(millis, [100, 150, 225, 337, 506, 759, 1000, 1000, 1000]);
    }
}
