//! What many callers ask at the same time, asked together.
//!
//! A statement over thirty rows costs little more than one over a single row: most of it is sending,
//! starting and committing. Where callers are few nobody waits: the first one goes at once, and who
//! comes while it is under way goes with the next. See `docs/decisions/0020-gathering.md`.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::oneshot;

use crate::caller::TenantId;
use crate::refusal::Refusal;

type Work<I, O> =
    dyn Fn(TenantId, Vec<I>) -> BoxFuture<'static, Result<Vec<O>, Refusal>> + Send + Sync;

/// Joins what is asked at the same time for one tenant. Cheap to clone.
pub struct Gather<I, O>(Arc<Shared<I, O>>);

impl<I, O> Clone for Gather<I, O> {
    fn clone(&self) -> Self {
        Gather(Arc::clone(&self.0))
    }
}

struct Shared<I, O> {
    work: Box<Work<I, O>>,
    most: usize,
    lanes: usize,
    lines: Mutex<HashMap<TenantId, Line<I, O>>>,
}

/// Who waits for a tenant, and how many batches of it are under way.
struct Line<I, O> {
    waiting: VecDeque<(I, oneshot::Sender<Result<O, Refusal>>)>,
    running: usize,
}

impl<I, O> Gather<I, O>
where
    I: Send + 'static,
    O: Send + 'static,
{
    /// Lets `work` answer at most `most` questions at once, one answer each in their order, in at
    /// most `lanes` batches of a tenant side by side. Where the work as a whole is refused, everybody
    /// in it is.
    pub fn new<F, W>(most: usize, lanes: usize, work: F) -> Self
    where
        F: Fn(TenantId, Vec<I>) -> W + Send + Sync + 'static,
        W: Future<Output = Result<Vec<O>, Refusal>> + Send + 'static,
    {
        Gather(Arc::new(Shared {
            work: Box::new(move |tenant, items| work(tenant, items).boxed()),
            most: most.max(1),
            lanes: lanes.max(1),
            lines: Mutex::default(),
        }))
    }

    /// The answer to one question. Who gives up waiting takes nothing back: the work is done all the
    /// same.
    pub async fn ask(&self, tenant: &TenantId, item: I) -> Result<O, Refusal> {
        let (answer, answered) = oneshot::channel();
        if self.0.queue(tenant, item, answer) {
            let turn = Turn {
                shared: Arc::clone(&self.0),
                tenant: tenant.clone(),
                has_ended: false,
            };
            tokio::spawn(turn.take());
        }
        let lost = |_| Refusal::internal("a batch died under way");
        answered.await.map_err(lost)?
    }
}

impl<I, O> Shared<I, O> {
    fn lines(&self) -> std::sync::MutexGuard<'_, HashMap<TenantId, Line<I, O>>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// True: a batch may begin, and counts as running already.
    fn queue(
        &self,
        tenant: &TenantId,
        item: I,
        answer: oneshot::Sender<Result<O, Refusal>>,
    ) -> bool {
        let mut lines = self.lines();
        let line = lines.entry(tenant.clone()).or_insert_with(|| Line {
            waiting: VecDeque::new(),
            running: 0,
        });
        line.waiting.push_back((item, answer));
        let begins = line.running < self.lanes;
        line.running += usize::from(begins);
        begins
    }

    /// The next batch; none: the lane has ended.
    #[expect(clippy::type_complexity, reason = "questions beside their answers")]
    fn next(
        &self,
        tenant: &TenantId,
    ) -> Option<(Vec<I>, Vec<oneshot::Sender<Result<O, Refusal>>>)> {
        let mut lines = self.lines();
        let line = lines.get_mut(tenant)?;
        let count = line.waiting.len().min(self.most);
        if count == 0 {
            // Under the same lock: who comes next begins a batch.
            end(&mut lines, tenant);
            return None;
        }
        Some(line.waiting.drain(..count).unzip())
    }
}

/// A lane of the tenant has ended. Who still waits when the last one has, as its work panicked, is
/// told that it died.
fn end<I, O>(lines: &mut HashMap<TenantId, Line<I, O>>, tenant: &TenantId) {
    if let Some(line) = lines.get_mut(tenant) {
        line.running -= 1;
        if line.running == 0 {
            lines.remove(tenant);
        }
    }
}

/// One lane of a tenant while somebody waits.
struct Turn<I, O> {
    shared: Arc<Shared<I, O>>,
    tenant: TenantId,
    has_ended: bool,
}

impl<I, O> Turn<I, O> {
    async fn take(mut self) {
        while let Some((items, answers)) = self.shared.next(&self.tenant) {
            match (self.shared.work)(self.tenant.clone(), items).await {
                Ok(found) => {
                    for (answer, found) in answers.into_iter().zip(found) {
                        let _ = answer.send(Ok(found));
                    }
                }
                Err(refusal) => {
                    for answer in answers {
                        let _ = answer.send(Err(refusal.clone()));
                    }
                }
            }
        }
        self.has_ended = true;
    }
}

impl<I, O> Drop for Turn<I, O> {
    fn drop(&mut self) {
        if !self.has_ended {
            end(&mut self.shared.lines(), &self.tenant);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use futures::future::join_all;

    use super::*;

    fn tenant(name: &str) -> TenantId {
        TenantId::parse(name).unwrap()
    }

    /// Squares, and notes the sizes of the batches.
    fn squares(most: usize, lanes: usize) -> (Gather<u64, u64>, Arc<Mutex<Vec<usize>>>) {
        let sizes = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&sizes);
        let gather = Gather::new(most, lanes, move |_, items: Vec<u64>| {
            noted.lock().unwrap().push(items.len());
            async move {
                tokio::time::sleep(Duration::from_millis(5)).await;
                Ok(items.into_iter().map(|n| n * n).collect())
            }
        });
        (gather, sizes)
    }

    #[tokio::test]
    async fn the_first_goes_at_once_and_who_comes_meanwhile_goes_together() {
        let (gather, sizes) = squares(8, 1);
        let acme = tenant("acme");

        let answers = join_all((0..20).map(|n| gather.ask(&acme, n))).await;

        for (n, answer) in (0..).zip(answers) {
            assert_eq!(answer.unwrap(), n * n);
        }
        let sizes = sizes.lock().unwrap().clone();
        assert_eq!(sizes.iter().sum::<usize>(), 20);
        assert!(
            sizes.len() <= 4 && sizes.iter().all(|size| *size <= 8),
            "{sizes:?}"
        );
        assert_eq!(gather.ask(&acme, 7).await.unwrap(), 49);
        assert!(
            gather.0.lines().is_empty(),
            "nothing is kept of who is gone"
        );
    }

    #[tokio::test]
    async fn tenants_are_never_joined() {
        let gather = Gather::new(64, 1, |tenant: TenantId, items: Vec<String>| async move {
            let strangers = items
                .iter()
                .filter(|item| **item != tenant.as_str())
                .count();
            Ok(vec![strangers; items.len()])
        });
        let (acme, globex) = (tenant("acme"), tenant("globex"));
        let asked = (0..40).map(|n| {
            let of = if n % 2 == 0 { &acme } else { &globex };
            gather.ask(of, of.as_str().to_owned())
        });

        for answer in join_all(asked).await {
            assert_eq!(answer.unwrap(), 0);
        }
    }

    #[tokio::test]
    async fn a_refusal_of_the_whole_is_everybodys() {
        let gather = Gather::new(8, 1, |_, _: Vec<u8>| async {
            Err::<Vec<u8>, _>(Refusal::contention())
        });
        let acme = tenant("acme");

        for answer in join_all((0..3).map(|n| gather.ask(&acme, n))).await {
            assert_eq!(answer.unwrap_err().reason(), "CONTENTION");
        }
    }

    #[tokio::test]
    async fn who_gives_up_takes_nothing_back_and_holds_nobody_up() {
        let done = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&done);
        let gather = Gather::new(8, 1, move |_, items: Vec<u8>| {
            let done = Arc::clone(&counted);
            async move {
                tokio::time::sleep(Duration::from_millis(20)).await;
                done.fetch_add(items.len(), Ordering::Relaxed);
                Ok(items)
            }
        });
        let acme = tenant("acme");
        let first = tokio::time::timeout(Duration::from_millis(1), gather.ask(&acme, 1));
        assert!(first.await.is_err());

        assert_eq!(gather.ask(&acme, 2).await.unwrap(), 2);
        assert_eq!(done.load(Ordering::Relaxed), 2);
    }

    #[tokio::test]
    async fn a_batch_that_panics_is_told_and_the_next_one_goes_on() {
        let gather = Gather::new(8, 1, |_, items: Vec<u8>| async move {
            assert!(!items.contains(&13), "unlucky");
            Ok(items)
        });
        let acme = tenant("acme");

        assert_eq!(
            gather.ask(&acme, 13).await.unwrap_err().reason(),
            "INTERNAL"
        );
        assert_eq!(gather.ask(&acme, 1).await.unwrap(), 1);
    }
}
