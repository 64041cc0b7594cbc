//! A request over a bounded queue that includes its reply channel.

use tokio::sync::{mpsc, oneshot};

/// Queues a request and waits for its reply; `None` if the receiver is gone.
///
/// Waits for the queue to close too: a request that is sent while the receiver is dropped stays in the queue
/// with its reply channel open, as long as a sender exists.
pub async fn request<R, A>(
    queue: &mpsc::Sender<R>,
    request: impl FnOnce(oneshot::Sender<A>) -> R,
) -> Option<A> {
    let (reply, replied) = oneshot::channel();
    queue.send(request(reply)).await.ok()?;
    tokio::select! {
        biased;
        reply = replied => reply.ok(),
        () = queue.closed() => None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn a_request_gets_its_reply() {
        let (queue, mut requests) = mpsc::channel(1);
        let answering = async move {
            let (number, reply): (i32, oneshot::Sender<i32>) = requests.recv().await.unwrap();
            reply.send(number + 1).unwrap();
        };
        let (reply, ()) = tokio::join!(request(&queue, |reply| (1, reply)), answering);
        assert_eq!(reply, Some(2));
    }

    /// Closes the receiver with the request in its queue, as if it were dropped during the send.
    #[tokio::test(start_paused = true)]
    async fn a_request_left_in_a_closed_queue_has_no_reply() {
        let (queue, mut requests) = mpsc::channel::<oneshot::Sender<()>>(1);
        let waiting = tokio::spawn(async move { request(&queue, |reply| reply).await });
        while requests.is_empty() {
            tokio::task::yield_now().await;
        }
        requests.close();
        let reply = tokio::time::timeout(Duration::from_secs(60), waiting).await;
        assert_eq!(reply.expect("it waits for ever").unwrap(), None);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn dropping_the_receiver_during_the_send_ends_the_wait() {
        for _ in 0..2_000 {
            let (queue, requests) = mpsc::channel::<oneshot::Sender<()>>(16);
            let waiting = tokio::spawn(async move { (request(&queue, |reply| reply).await, queue) });
            tokio::task::yield_now().await;
            drop(requests);
            let ended = tokio::time::timeout(Duration::from_secs(60), waiting).await;
            assert_eq!(ended.expect("it waits for ever").unwrap().0, None);
        }
    }
}
