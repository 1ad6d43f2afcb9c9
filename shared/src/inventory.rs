//! Calls at scale: so many at once and no more, lists page by page, throttling waited out, and an end in time.

use crate::error::AwsError;
use aws_sdk_imagebuilder::config::http::HttpResponse;
use aws_sdk_imagebuilder::error::{ProvideErrorMetadata, SdkError};
use futures_util::stream::{self, StreamExt};
use std::error::Error;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout_at};

/// Calls that are under way at once.
pub const AT_ONCE: usize = 8;

/// How often a call is made while it is throttled. What the SDK knows as throttling it has tried five times by then.
const ATTEMPTS: u32 = 7;

/// The first pause; each further one is twice as long.
const PAUSE: Duration = Duration::from_millis(500);

/// The longest pause.
const LONGEST: Duration = Duration::from_secs(15);

/// The calls of one invocation.
#[derive(Debug)]
pub struct Calls {
    places: Semaphore,
    until: Instant,
    pause: Duration,
    made: AtomicUsize,
}

/// A call without an answer that can be used.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The call failed.
    #[error(transparent)]
    Aws(#[from] AwsError),
    /// The time was up before the call could be made, or answered.
    #[error("{operation} of {resource}: the invocation's time was up")]
    Late {
        /// The operation as AWS calls it.
        operation: &'static str,
        /// What the call was about.
        resource: String,
    },
}

impl CallError {
    /// The service's error code, if it answered.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Aws(error) => error.code(),
            Self::Late { .. } => None,
        }
    }

    /// The operation as AWS calls it.
    pub fn operation(&self) -> &'static str {
        match self {
            Self::Aws(error) => error.operation,
            Self::Late { operation, .. } => operation,
        }
    }

    /// Whether the same call can succeed later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Aws(error) => error.is_retryable(),
            Self::Late { .. } => true,
        }
    }
}

impl Calls {
    /// At most `at_once` calls under way, none after `until`.
    pub fn new(at_once: usize, until: Instant) -> Self {
        Self { places: Semaphore::new(at_once), until, pause: PAUSE, made: AtomicUsize::new(0) }
    }

    /// How many calls were made, the SDK's own retries not counted.
    pub fn made(&self) -> usize {
        self.made.load(Ordering::Relaxed)
    }

    /// Makes a call, again after a pause while it is throttled. `CallRateLimitExceededException` counts as that,
    /// which the SDK doesn't know as such. A call that pauses keeps its place, so that fewer are under way then.
    ///
    /// # Errors
    /// What the service answered last, or that the time was up.
    pub async fn make<Answer, E>(
        &self,
        operation: &'static str,
        resource: &str,
        call: impl AsyncFn() -> Result<Answer, SdkError<E, HttpResponse>>,
    ) -> Result<Answer, CallError>
    where
        E: Error + ProvideErrorMetadata + Send + Sync + 'static,
    {
        let call = async || call().await.map_err(|error| AwsError::new(operation, resource, error));
        self.ask(operation, resource, call).await
    }

    /// [`Self::make`] for a client that tells its errors as ours.
    ///
    /// # Errors
    /// What the service answered last, or that the time was up.
    pub async fn ask<Answer>(
        &self,
        operation: &'static str,
        resource: &str,
        call: impl AsyncFn() -> Result<Answer, AwsError>,
    ) -> Result<Answer, CallError> {
        let late = || CallError::Late { operation, resource: resource.to_owned() };
        let place = timeout_at(self.until, self.places.acquire()).await.map_err(|_| late())?;
        let _place = place.expect("the semaphore is never closed");
        let mut attempt = 1;
        loop {
            if Instant::now() >= self.until {
                return Err(late());
            }
            self.made.fetch_add(1, Ordering::Relaxed);
            let answer = timeout_at(self.until, Box::pin(call())).await.map_err(|_| late())?;
            let error = match answer {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let pause = self.pause(resource, attempt);
            if !error.is_throttled() || attempt == ATTEMPTS || Instant::now() + pause >= self.until {
                return Err(error.into());
            }
            sleep(pause).await;
            attempt += 1;
        }
    }

    /// All items of a listing, page by page. `call` takes the token of a page and answers its items and the next
    /// token.
    ///
    /// # Errors
    /// Those of the page that couldn't be read, or that a token came twice: half a list is none.
    pub async fn list<Item, E>(
        &self,
        operation: &'static str,
        resource: &str,
        call: impl AsyncFn(Option<String>) -> Result<(Option<Vec<Item>>, Option<String>), SdkError<E, HttpResponse>>,
    ) -> Result<Vec<Item>, CallError>
    where
        E: Error + ProvideErrorMetadata + Send + Sync + 'static,
    {
        let (mut items, mut token) = (Vec::new(), None);
        loop {
            let (page, next) = self.make(operation, resource, async || call(token.clone()).await).await?;
            items.extend(page.unwrap_or_default());
            if next.is_none() {
                return Ok(items);
            }
            // A service that answers the token that it was given would never come to an end.
            if next == token {
                return Err(AwsError::unreadable(operation, resource, "the same page token came twice").into());
            }
            token = next;
        }
    }

    /// Half the pause or more, by the resource's name: those who were throttled together don't come back together.
    fn pause(&self, resource: &str, attempt: u32) -> Duration {
        let whole = self.pause.saturating_mul(1 << (attempt - 1)).min(LONGEST);
        let mut hasher = DefaultHasher::new();
        (resource, attempt).hash(&mut hasher);
        whole / 2 + whole / 2 * u32::from(hasher.finish() as u8) / 255
    }
}

/// Does the same for many, as many at once as [`Calls`] lets through and some that wait; in the order of the items.
pub async fn each<Item, Done>(items: impl IntoIterator<Item = Item>, work: impl AsyncFn(Item) -> Done) -> Vec<Done> {
    stream::iter(items).map(|item| work(item)).buffered(AT_ONCE * 4).collect().await
}

/// When a share of an invocation's time is up: Lambda tells the deadline as milliseconds since 1970.
pub fn share_of(deadline_millis: u64, numerator: u32, denominator: u32) -> Instant {
    Instant::now() + left(deadline_millis) * numerator / denominator
}

#[expect(clippy::disallowed_methods, reason = "Lambda's deadline is in the machine's time; no decision reads it")]
fn left(deadline_millis: u64) -> Duration {
    (UNIX_EPOCH + Duration::from_millis(deadline_millis)).duration_since(SystemTime::now()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_imagebuilder::error::ErrorMetadata;
    use aws_sdk_imagebuilder::operation::get_image::GetImageError;
    use std::cell::{Cell, RefCell};

    type Answer<T> = Result<T, SdkError<GetImageError, HttpResponse>>;

    fn refusal(status: u16, code: &str) -> SdkError<GetImageError, HttpResponse> {
        let response = HttpResponse::new(status.try_into().unwrap(), "".into());
        let error = GetImageError::generic(ErrorMetadata::builder().code(code).build());
        SdkError::service_error(error, response)
    }

    fn calls(at_once: usize, time: Duration) -> Calls {
        Calls { pause: Duration::from_millis(1), ..Calls::new(at_once, Instant::now() + time) }
    }

    const LONG: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn throttling_is_waited_out_and_nothing_else_is() {
        for (status, code, throttled, made) in [
            (429, "CallRateLimitExceededException", 3, 4),
            (400, "ThrottlingException", 6, 7),
            (400, "TooManyRequestsException", 7, 7),
            (403, "AccessDeniedException", 1, 1),
            (404, "ResourceNotFoundException", 1, 1),
        ] {
            let calls = calls(1, LONG);
            let answer =
                calls
                    .make("GetImage", "arn", async || {
                        if calls.made() <= throttled { Err(refusal(status, code)) } else { Ok(()) }
                    })
                    .await;
            assert_eq!(calls.made(), made, "{code}");
            assert_eq!(answer.err().and_then(|error| error.code().map(str::to_owned)).is_none(), made > throttled);
        }
    }

    #[tokio::test]
    async fn no_more_than_that_are_under_way_at_once_and_answers_keep_their_order() {
        let calls = calls(3, LONG);
        let (now, most) = (Cell::new(0), Cell::new(0));
        let doubled = each(0..40, async |n| {
            let answer = calls.make("GetImage", "arn", async || -> Answer<i32> {
                now.set(now.get() + 1);
                most.set(most.get().max(now.get()));
                sleep(Duration::from_micros(200)).await;
                now.set(now.get() - 1);
                Ok(n * 2)
            });
            answer.await.unwrap()
        });
        assert_eq!(doubled.await, (0..40).map(|n| n * 2).collect::<Vec<_>>());
        assert_eq!((most.get(), calls.made()), (3, 40));
    }

    #[tokio::test]
    async fn the_time_ends_calls_under_way_and_those_that_wait() {
        let calls = calls(1, Duration::from_millis(20));
        let ends = each(0..3, async |_| {
            calls.make("GetImage", "arn", async || -> Answer<()> { std::future::pending().await }).await
        });
        for end in ends.await {
            let error = end.unwrap_err();
            assert!(error.is_retryable() && error.code().is_none());
            assert_eq!(error.to_string(), "GetImage of arn: the invocation's time was up");
        }
        assert_eq!(calls.made(), 1, "the others didn't get so far");
    }

    #[tokio::test]
    async fn a_pause_that_would_outlast_the_time_is_not_begun() {
        let calls = Calls::new(1, Instant::now() + Duration::from_millis(100));
        let answer = calls
            .make("GetImage", "arn", async || -> Answer<()> { Err(refusal(429, "CallRateLimitExceededException")) })
            .await;
        assert_eq!(answer.unwrap_err().code(), Some("CallRateLimitExceededException"));
        assert_eq!(calls.made(), 1);
    }

    #[tokio::test]
    async fn a_listing_is_whole_or_an_error() {
        let pages = async |token: Option<String>| -> Answer<(Option<Vec<u32>>, Option<String>)> {
            Ok(match token.as_deref() {
                None => (Some(vec![1, 2]), Some("a".to_owned())),
                Some("a") => (None, Some("b".to_owned())),
                Some(_) => (Some(vec![3]), None),
            })
        };
        let calls = calls(1, LONG);
        assert_eq!(calls.list("ListImages", "Self", pages).await.unwrap(), [1, 2, 3]);
        let endless =
            async |_| -> Answer<(Option<Vec<u32>>, Option<String>)> { Ok((Some(vec![1]), Some("a".to_owned()))) };
        let error = calls.list("ListImages", "Self", endless).await.unwrap_err();
        assert!(crate::error::chain(&error).contains("the same page token came twice"), "{error:?}");
        let tokens = RefCell::new(Vec::new());
        let broken = calls.list("ListImages", "Self", async |token: Option<String>| {
            tokens.borrow_mut().push(token.clone());
            match token {
                None => Ok((Some(vec![1]), Some("a".to_owned()))),
                Some(_) => Err(refusal(403, "AccessDeniedException")),
            }
        });
        assert_eq!(broken.await.unwrap_err().code(), Some("AccessDeniedException"));
        assert_eq!(*tokens.borrow(), [None, Some("a".to_owned())]);
    }

    #[test]
    fn pauses_grow_and_differ() {
        let calls = Calls::new(1, Instant::now());
        for attempt in 1..=ATTEMPTS {
            let pause = calls.pause("arn", attempt);
            let whole = PAUSE.saturating_mul(1 << (attempt - 1)).min(LONGEST);
            assert!(pause >= whole / 2 && pause <= whole, "{attempt}: {pause:?}");
        }
        assert_ne!(calls.pause("one", 3), calls.pause("another", 3));
    }

    #[tokio::test]
    #[expect(clippy::disallowed_methods, reason = "a deadline is in the machine's time")]
    async fn a_deadline_that_has_passed_leaves_nothing() {
        let now = Instant::now();
        assert!(share_of(0, 3, 4) <= now + Duration::from_secs(1));
        let soon = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + Duration::from_secs(100);
        let until = share_of(soon.as_millis() as u64, 3, 4) - now;
        assert!(until > Duration::from_secs(74) && until < Duration::from_secs(76), "{until:?}");
    }
}
