//! The limits of each call: how many are worked on at one time for one connection, and how long one may take until its answer
//! begins. tonic's own lie around every layer and answer without reason or details; these lie where their answers are counted
//! and named like any other.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::HeaderMap;
use http_body::{Frame, SizeHint};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Sleep;
use tonic::Status;
use tonic::body::Body;
use tower::{Layer, Service};
use wire::Failure;

use super::Settings;

/// What the caller allows.
const CALLERS_TIMEOUT: &str = "grpc-timeout";
/// Most digits of it, by the protocol of gRPC.
const TIMEOUT_DIGITS_MAX: usize = 8;

/// The places of one connection, taken by the calls that are worked on.
#[derive(Debug, Clone)]
pub(super) struct Places(Arc<Semaphore>);

impl Places {
    pub(super) fn new(count: u32) -> Self {
        let count = usize::try_from(count).unwrap_or(Semaphore::MAX_PERMITS);
        Self(Arc::new(Semaphore::new(count)))
    }
}

/// Puts [`Limits`] around all services.
#[derive(Debug, Clone)]
pub(super) struct LimitsLayer(Arc<Times>);

#[derive(Debug)]
struct Times {
    call: Duration,
    upload: Duration,
    upload_silence: Duration,
    /// Paths of the calls that bring a stream and are answered after its end.
    uploads: Vec<String>,
}

impl LimitsLayer {
    pub(super) fn new(settings: &Settings) -> Self {
        let ms = |value: u32| Duration::from_millis(value.into());
        Self(Arc::new(Times {
            call: ms(settings.request_timeout_ms),
            upload: ms(settings.upload_timeout_ms),
            upload_silence: ms(settings.upload_idle_timeout_ms),
            uploads: wire::uploads(),
        }))
    }
}

impl<S> Layer<S> for LimitsLayer {
    type Service = Limits<S>;

    fn layer(&self, inner: S) -> Limits<S> {
        Limits { inner, times: Arc::clone(&self.0) }
    }
}

#[derive(Debug, Clone)]
pub(super) struct Limits<S> {
    inner: S,
    times: Arc<Times>,
}

impl<S> Service<http::Request<Body>> for Limits<S>
where
    S: Service<http::Request<Body>, Response = http::Response<Body>>,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
{
    type Response = http::Response<Body>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<http::Response<Body>, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let Ok(place) = place_of(&request) else {
            return Box::pin(std::future::ready(Ok(refused(Failure::Busy))));
        };
        let (request, limit) = self.times.of(request);
        // From now on, not from the first poll: tonic counts what the caller allows as well, and has no details to tell.
        let time_is_up = tokio::time::sleep(limit);
        let answer = self.inner.call(request);
        Box::pin(async move {
            let _place = place;
            tokio::select! {
                biased;
                answer = answer => answer,
                () = time_is_up => Ok(refused(Failure::Unavailable)),
            }
        })
    }
}

impl Times {
    /// The request, watched for silence if it is an upload, and how long it may take.
    fn of(&self, request: http::Request<Body>) -> (http::Request<Body>, Duration) {
        let path = request.uri().path();
        let is_upload = self.uploads.iter().any(|upload| upload == path);
        let ours = if is_upload { self.upload } else { self.call };
        let limit = allowed(request.headers()).map_or(ours, |theirs| theirs.min(ours));
        if is_upload {
            let silence_max = self.upload_silence;
            (request.map(|body| Body::new(Upload { body, silence_max, silence: None })), limit)
        } else {
            (request, limit)
        }
    }
}

/// A place of the request's connection, where those are counted. An error when all are taken.
fn place_of(request: &http::Request<Body>) -> Result<Option<OwnedSemaphorePermit>, Failure> {
    let Some(Places(places)) = request.extensions().get() else { return Ok(None) };
    Arc::clone(places).try_acquire_owned().map(Some).map_err(|_full| Failure::Busy)
}

fn refused(failure: Failure) -> http::Response<Body> {
    Status::from(failure).into_http()
}

/// How long the caller waits, if it says so in a form that reads.
fn allowed(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(CALLERS_TIMEOUT)?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.len() > TIMEOUT_DIGITS_MAX || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let count: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(count * 3600)),
        "M" => Some(Duration::from_secs(count * 60)),
        "S" => Some(Duration::from_secs(count)),
        "m" => Some(Duration::from_millis(count)),
        "u" => Some(Duration::from_micros(count)),
        "n" => Some(Duration::from_nanos(count)),
        _ => None,
    }
}

/// A request body that breaks off when nothing comes of it for too long. Only what somebody waits for counts: a slow disk of ours
/// is not the caller's silence.
struct Upload {
    body: Body,
    silence_max: Duration,
    silence: Option<Pin<Box<Sleep>>>,
}

impl http_body::Body for Upload {
    type Data = <Body as http_body::Body>::Data;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Status>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) {
            self.silence = None;
            return Poll::Ready(frame);
        }
        let silence_max = self.silence_max;
        let silence = self.silence.get_or_insert_with(|| Box::pin(tokio::time::sleep(silence_max)));
        ready!(silence.as_mut().poll(cx));
        Poll::Ready(Some(Err(Failure::Unavailable.into())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
