//! A connection between the client and the casino of the lab. It carries bytes, and can be cut, hang, be slow, or break
//! just before the answer to an order.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};

use crate::app::commands::lab::Faults;

/// Bytes that are read at once.
const CHUNK_BYTES: usize = 16 * 1024;

/// Chunks on their way in each direction.
const MAX_CHUNKS: usize = 1024;

/// Length of an HTTP/2 frame header: length (3), type (1), flags (1), stream (4).
const FRAME_HEADER: usize = 9;

/// HTTP/2 type of a DATA frame.
const DATA: u8 = 0;

/// Length of the header of a gRPC message: compressed (1), length (4).
const MESSAGE_HEADER: usize = 5;

/// First bytes of the answer to an order, a `GambleInfo`: field 1, `type`, is `ACTION_RESULT`; field 3, `result`, follows.
const ANSWER: [u8; 3] = [0x08, 1, 0x1a];

#[derive(Debug, Clone)]
pub(super) struct Link {
    pub(super) faults: watch::Receiver<Faults>,
    /// Delay of a slow link in each direction.
    pub(super) delay: Duration,
    /// [`Faults::losses`] when an answer was lost last, by any link.
    pub(super) losses: Arc<AtomicU32>,
    /// The last cut of any link.
    pub(super) cut_at: Arc<Mutex<Option<Instant>>>,
}

impl Link {
    /// Carries bytes between two pipes until one of them is closed, or the link is cut after this call. Then closes both.
    pub(super) fn carry(
        mut self,
        client: DuplexStream,
        casino: DuplexStream,
    ) -> impl Future<Output = ()> + Send {
        let (from_client, to_client) = tokio::io::split(client);
        let (from_casino, to_casino) = tokio::io::split(casino);
        let (requests, answers) = (self.clone(), self.clone());
        let cuts = self.faults.borrow().cuts;
        async move {
            tokio::select! {
                biased;
                () = until(&mut self.faults, |faults| faults.cuts != cuts) => {
                    *self.cut_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
                }
                () = requests.copy(from_client, to_casino, None) => {}
                () = answers.copy(from_casino, to_client, Some(AnswerFinder::default())) => {}
            }
        }
    }

    pub(super) fn since_cut(&self) -> Option<Duration> {
        let cut_at = *self.cut_at.lock().unwrap_or_else(PoisonError::into_inner);
        cut_at.map(|cut_at| cut_at.elapsed())
    }

    /// Copies bytes until the end of `from`, or to the answer that is to be lost.
    async fn copy(
        mut self,
        mut from: impl AsyncRead + Unpin,
        mut to: impl AsyncWrite + Unpin,
        mut answers: Option<AnswerFinder>,
    ) {
        let (sender, mut queue) = mpsc::channel(MAX_CHUNKS);
        let (faults, delay) = (self.faults.clone(), self.delay);
        let read = async move {
            let mut buffer = vec![0; CHUNK_BYTES];
            while let Ok(count @ 1..) = from.read(&mut buffer).await {
                let is_slow = faults.borrow().is_slow;
                let due = Instant::now() + if is_slow { delay } else { Duration::ZERO };
                let chunk = buffer.get(..count).unwrap_or_default().to_vec();
                if sender.send((due, chunk)).await.is_err() {
                    break;
                }
            }
        };
        let write = async move {
            while let Some((due, chunk)) = queue.recv().await {
                sleep_until(due).await;
                // Fails when the client has closed: then the rest passes.
                let _ = self.faults.wait_for(|faults| !faults.is_frozen).await;
                let has_answer = answers.as_mut().is_some_and(|answers| answers.is_in(&chunk));
                if has_answer && self.loses_answer() || to.write_all(&chunk).await.is_err() {
                    break;
                }
            }
        };
        tokio::select! {
            () = write => {}
            // Then the rest is written.
            () = async { read.await; std::future::pending().await } => {}
        }
    }

    /// Returns whether this answer is to be lost, once.
    fn loses_answer(&self) -> bool {
        let wanted = self.faults.borrow().losses;
        self.losses.swap(wanted, Ordering::SeqCst) != wanted
    }
}

/// Waits for faults; never completes after the client has closed.
pub(super) async fn until(faults: &mut watch::Receiver<Faults>, reached: impl FnMut(&Faults) -> bool) {
    if faults.wait_for(reached).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Finds answers to orders among the HTTP/2 frames of a casino.
#[derive(Debug, Default)]
struct AnswerFinder {
    /// The start of an incomplete frame.
    rest: Vec<u8>,
}

impl AnswerFinder {
    /// Returns whether a frame that ends in `chunk` has an answer.
    fn is_in(&mut self, chunk: &[u8]) -> bool {
        self.rest.extend_from_slice(chunk);
        let mut found = false;
        while let [high, middle, low, kind, ..] = *self.rest {
            let length = u32::from_be_bytes([0, high, middle, low]);
            let end = usize::try_from(length)
                .unwrap_or(usize::MAX)
                .saturating_add(FRAME_HEADER);
            let Some(payload) = self.rest.get(FRAME_HEADER..end) else {
                break;
            };
            found |= kind == DATA && has_answer(payload);
            self.rest.drain(..end);
        }
        found
    }
}

/// Returns whether one of the gRPC messages in a DATA frame is the answer to an order.
fn has_answer(mut payload: &[u8]) -> bool {
    while let Some((&[_, length @ ..], rest)) = payload.split_first_chunk::<MESSAGE_HEADER>() {
        if rest.starts_with(&ANSWER) {
            return true;
        }
        let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
        payload = rest.get(length..).unwrap_or_default();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    const DELAY: Duration = Duration::from_millis(50);

    fn frame(kind: u8, messages: &[&[u8]]) -> Vec<u8> {
        let mut payload = Vec::new();
        for message in messages {
            payload.push(0);
            payload.extend(u32::try_from(message.len()).unwrap().to_be_bytes());
            payload.extend(*message);
        }
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        [&length[1..], &[kind, 0, 0, 0, 0, 1], &payload].concat()
    }

    const PRICE: &[u8] = &[0x12, 4, 0x0a, 1, b'A', 0x10];
    const RESULT: &[u8] = &[0x08, 1, 0x1a, 2, 0x0a, 0];

    #[test]
    fn an_answer_is_found_at_any_split_of_the_bytes() {
        let bytes = [
            frame(0, &[PRICE, PRICE]),
            frame(1, &[RESULT]),
            frame(0, &[PRICE, RESULT]),
        ]
        .concat();
        for split in 0..=bytes.len() {
            let (before, after) = bytes.split_at(split);
            let mut finder = AnswerFinder::default();
            let found = [before, after].map(|chunk| finder.is_in(chunk));
            assert_eq!(found, [split == bytes.len(), split < bytes.len()], "{split}");
        }
        let mut finder = AnswerFinder::default();
        assert!(!finder.is_in(&[frame(0, &[PRICE]), frame(1, &[RESULT])].concat()));
    }

    /// A link with its faults and the ends of the client and the casino.
    fn link() -> (watch::Sender<Faults>, DuplexStream, DuplexStream) {
        let (sender, faults) = watch::channel(Faults::default());
        let link = Link {
            faults,
            delay: DELAY,
            losses: Arc::default(),
            cut_at: Arc::default(),
        };
        let ((client, near), (far, casino)) = (tokio::io::duplex(64), tokio::io::duplex(64));
        tokio::spawn(link.carry(near, far));
        (sender, client, casino)
    }

    async fn receive(end: &mut DuplexStream) -> Option<u8> {
        end.read_u8().await.ok()
    }

    #[tokio::test]
    async fn a_slow_link_delays_in_order_and_a_frozen_one_holds_everything() {
        let (faults, mut client, mut casino) = link();
        client.write_u8(1).await.unwrap();
        assert_eq!(receive(&mut casino).await, Some(1));
        faults.send_modify(|faults| faults.is_slow = true);
        let before = Instant::now();
        casino.write_u8(2).await.unwrap();
        assert_eq!(receive(&mut client).await, Some(2));
        assert!(before.elapsed() >= DELAY);
        faults.send_modify(|faults| (faults.is_slow, faults.is_frozen) = (false, true));
        client.write_u8(3).await.unwrap();
        for _ in 0..100 {
            tokio::select! {
                biased;
                byte = receive(&mut casino) => panic!("{byte:?} passed"),
                // Lets the link run.
                () = tokio::task::yield_now() => {}
            }
        }
        faults.send_modify(|faults| faults.is_frozen = false);
        assert_eq!(receive(&mut casino).await, Some(3));
    }

    #[tokio::test]
    async fn a_cut_link_closes_both_ends_even_when_it_hangs() {
        let (faults, mut client, mut casino) = link();
        faults.send_modify(|faults| faults.is_frozen = true);
        client.write_u8(1).await.unwrap();
        faults.send_modify(|faults| faults.cuts += 1);
        assert_eq!(
            (receive(&mut client).await, receive(&mut casino).await),
            (None, None)
        );
    }

    #[tokio::test]
    async fn one_answer_is_lost_with_its_link() {
        let (faults, mut client, mut casino) = link();
        faults.send_modify(|faults| faults.losses += 2);
        let price = frame(0, &[PRICE]);
        casino.write_all(&price).await.unwrap();
        let mut received = vec![0; price.len()];
        client.read_exact(&mut received).await.unwrap();
        casino.write_all(&frame(0, &[RESULT])).await.unwrap();
        assert_eq!(receive(&mut client).await, None);
    }
}
