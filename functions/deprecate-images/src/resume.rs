//! Where a run begins: where the last one stopped, which a parameter keeps between them.

use crate::observe::{Reader, is_gone};
use aws_sdk_ssm::types::ParameterType;
use lambda_runtime::tracing::warn;
use shared::error::chain;
use shared::inventory::CallError;

/// The parameter, and what it held when the run began.
#[derive(Debug)]
pub(crate) struct Resume<'a> {
    parameter: &'a str,
    pub(crate) from: Option<String>,
}

impl<'a> Resume<'a> {
    /// ssm:GetParameter. If it can't be read, the run begins with the first family.
    pub(crate) async fn read(reader: &Reader<'_>, parameter: &'a str) -> Self {
        let read = async {
            let client = client(reader).await?;
            let call = async || client.get_parameter().name(parameter).send().await;
            match reader.calls.make("GetParameter", parameter, call).await {
                Ok(answer) => Ok(answer.parameter.and_then(|it| it.value)),
                Err(error) if is_gone(&error) => Ok(None),
                Err(error) => Err(chain(&error)),
            }
        };
        let from = read.await.unwrap_or_else(|error| {
            warn!(error, "where the last run stopped couldn't be read");
            None
        });
        Self { parameter, from }
    }

    /// ssm:PutParameter or ssm:DeleteParameter, unless nothing changes: where the next run begins; with the first family
    /// if all were got to.
    pub(crate) async fn keep(&self, reader: &Reader<'_>, unreached: Option<&String>) {
        let written = async {
            let client = client(reader).await?;
            let told = |error: CallError| chain(&error);
            match unreached {
                Some(family) => {
                    let call = async || {
                        let call = client.put_parameter().name(self.parameter).value(family);
                        call.r#type(ParameterType::String).overwrite(true).send().await
                    };
                    reader.calls.make("PutParameter", self.parameter, call).await.map(drop).map_err(told)
                }
                None => {
                    let call = async || client.delete_parameter().name(self.parameter).send().await;
                    match reader.calls.make("DeleteParameter", self.parameter, call).await {
                        Err(error) if !is_gone(&error) => Err(told(error)),
                        Ok(_) | Err(_) => Ok(()),
                    }
                }
            }
        };
        if self.from.as_ref() != unreached
            && let Err(error) = written.await
        {
            warn!(error, "where this run stopped couldn't be written");
        }
    }
}

async fn client(reader: &Reader<'_>) -> Result<aws_sdk_ssm::Client, String> {
    reader.ssm.at(reader.account, reader.region).await.map_err(|error| chain(&error))
}
