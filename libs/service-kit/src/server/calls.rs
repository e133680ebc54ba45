//! Every call counted, timed and put into its trace: the outermost layer of the server.

mod known;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::header::{HeaderMap, HeaderName, HeaderValue};
use http_body::{Frame, SizeHint};
use tokio::time::Instant;
use tonic::Code;
use tonic::body::Body;
use tower::{Layer, Service};
use tracing::{Instrument as _, Span};

use self::known::{Known, Method};
use crate::trace::{TARGET, TRACEPARENT, TraceContext};

/// How the answer names the trace, so that whoever complains can say which.
const TRACE_ID: HeaderName = HeaderName::from_static("x-trace-id");
const PARENT: HeaderName = HeaderName::from_static(TRACEPARENT);
const STATUS: HeaderName = HeaderName::from_static("grpc-status");

/// Puts [`Calls`] around all services.
#[derive(Debug, Clone)]
pub(super) struct CallsLayer(Arc<Known>);

impl CallsLayer {
    pub(super) fn new() -> Self {
        Self(Arc::new(Known::new()))
    }
}

impl<S> Layer<S> for CallsLayer {
    type Service = Calls<S>;

    fn layer(&self, inner: S) -> Calls<S> {
        Calls { inner, known: Arc::clone(&self.0) }
    }
}

#[derive(Debug, Clone)]
pub(super) struct Calls<S> {
    inner: S,
    known: Arc<Known>,
}

impl<S, B> Service<http::Request<B>> for Calls<S>
where
    S: Service<http::Request<B>, Response = http::Response<Body>>,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
{
    type Response = http::Response<Body>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<http::Response<Body>, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: http::Request<B>) -> Self::Future {
        let method = self.known.find(request.uri().path());
        let (context, span) = enter(request.headers_mut(), &method);
        let open = Open { method, span: span.clone(), began: Instant::now(), code: Code::Cancelled };
        // Within the span, so that what the service does at once belongs to it as well.
        let answer = span.in_scope(|| self.inner.call(request));
        Box::pin(async move { Ok(open.answered(answer.await?, context)) }.instrument(span))
    }
}

/// Reads where the call comes from and writes where it is now: what handlers see is the server's own span.
fn enter(headers: &mut HeaderMap, method: &Method) -> (TraceContext, Span) {
    let text = headers.get(PARENT).and_then(|value| value.to_str().ok());
    let parent = text.and_then(TraceContext::parse);
    let context = parent.map_or_else(TraceContext::new, |parent| parent.child());
    if let Ok(value) = HeaderValue::try_from(context.text()) {
        headers.insert(PARENT, value);
    }
    let parent_span = parent.map(|parent| tracing::field::display(parent.span()));
    let span = tracing::info_span!(
        target: TARGET,
        "grpc",
        service = &*method.service,
        method = &*method.name,
        trace_id = %context.trace(),
        span_id = %context.span(),
        parent_span_id = parent_span,
    );
    (context, span)
}

/// A call that has not ended. One that is dropped, because the caller went away, ends as cancelled.
struct Open {
    method: Arc<Method>,
    span: Span,
    began: Instant,
    code: Code,
}

impl Open {
    fn answered(mut self, response: http::Response<Body>, context: TraceContext) -> http::Response<Body> {
        self.method.answered(self.began.elapsed());
        let (mut parts, body) = response.into_parts();
        if let Ok(mut value) = HeaderValue::from_bytes(context.trace().digits().as_flattened()) {
            // Another one for each call: the header tables of both sides are not to fill with them.
            value.set_sensitive(true);
            parts.headers.insert(TRACE_ID, value);
        }
        if let Some(code) = code_in(&parts.headers) {
            self.code = code;
            return http::Response::from_parts(parts, body);
        }
        http::Response::from_parts(parts, Body::new(Watched { body, open: self }))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.method.ended(self.code);
        let method = &*self.method.name;
        let code = known::name(self.code);
        // Only looked up when somebody reads it.
        let duration_us = || u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX);
        tracing::debug!(target: TARGET, parent: &self.span, method, code, duration_us = duration_us(), "call ended");
    }
}

fn code_in(headers: &HeaderMap) -> Option<Code> {
    headers.get(STATUS).map(|value| Code::from_bytes(value.as_bytes()))
}

/// An answer on its way, whose status comes at its end.
struct Watched {
    body: Body,
    open: Open,
}

impl http_body::Body for Watched {
    type Data = <Body as http_body::Body>::Data;
    type Error = <Body as http_body::Body>::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        if let Poll::Ready(Some(Ok(frame))) = &polled
            && let Some(code) = frame.trailers_ref().and_then(code_in)
        {
            self.open.code = code;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
