//! The same request with each of its calls of DynamoDB disturbed in each way, one at a time (rows
//! D5, D6 and D8; L1).
//!
//! First the request is made undisturbed and its calls are counted. Then for each of them:
//!
//! - the service is killed before it or after it has done its work, starts again on what it had
//!   kept, and the client sends the same request once more, as a client would;
//! - the call is lost, its answer is lost, or its answer is cut. The client hears nothing of it.
//!
//! The five of one call run side by side, since each waits more than it works.

use latchkey_tests::{Answer, App, Call, Client, Fault, Life, Rule, Template};

use crate::tables::Tables;

/// What is done to one call of a request.
struct Case {
    rule: Rule,
    name: String,
}

/// One kind of request.
pub(crate) struct Sweep<P, R, C> {
    /// What is done before it, and what the client knows from that.
    pub(crate) prepare: P,
    /// The request.
    pub(crate) request: R,
    /// Claims that it has done what it is for. The answer is that of its last try.
    pub(crate) check: C,
    /// What it is answered, when all is well.
    pub(crate) status: u16,
    /// What else it may be answered after a crash, as status and code: that it is done already.
    pub(crate) done_already: &'static [(u16, &'static str)],
    /// What else it may be answered where a call of its own was done and the answer lost. As good
    /// as always nothing: nobody is told that it is done already by the one who has just asked.
    pub(crate) lost: &'static [(u16, &'static str)],
}

impl<P, R, C> Sweep<P, R, C> {
    /// Runs it.
    pub(crate) async fn run<T>(self)
    where
        P: AsyncFn(&App) -> T,
        R: Fn(&Client, &T) -> Call,
        C: AsyncFn(&App, &T, &Answer),
    {
        let template = Template::new();
        let life = Life::on(template.path()).await;
        let known = (self.prepare)(&life.app).await;
        life.app.stack.settle().await;
        life.kill().await;

        let calls = self.undisturbed(&template, &known).await;
        for n in 1..=calls.len() {
            let case = |fault: &Fault| Case {
                rule: Rule::nth(n, fault.clone()),
                name: format!("{fault:?} at {n} of {calls:?}"),
            };
            tokio::join!(
                self.killed(&template, &known, case(&Fault::KillBefore)),
                self.killed(&template, &known, case(&Fault::KillAfter)),
                self.disturbed(&template, &known, case(&Fault::LostBefore)),
                self.disturbed(&template, &known, case(&Fault::LostAfter)),
                self.disturbed(&template, &known, case(&Fault::CutReply)),
            );
        }
    }

    async fn undisturbed<T>(&self, template: &Template, known: &T) -> Vec<String>
    where
        P: AsyncFn(&App) -> T,
        R: Fn(&Client, &T) -> Call,
        C: AsyncFn(&App, &T, &Answer),
    {
        let data = template.copy();
        let life = Life::on(data.path()).await;
        life.faults.store.faults(Rule::none());
        let answer = (self.request)(&life.app, known).send().await;
        let calls = life.faults.store.seen();
        self.claim(&life, known, answer, &[], "undisturbed").await;
        assert_ne!(calls.len(), 0);
        calls
    }

    async fn killed<T>(&self, template: &Template, known: &T, case: Case)
    where
        P: AsyncFn(&App) -> T,
        R: Fn(&Client, &T) -> Call,
        C: AsyncFn(&App, &T, &Answer),
    {
        let data = template.copy();
        let life = Life::on(data.path()).await;
        life.faults.store.faults(case.rule);
        tokio::select! {
            answer = (self.request)(&life.app, known).send() => {
                panic!("{}: answered {} before it was killed", case.name, answer.text)
            }
            () = life.faults.store.killed() => {}
        }
        life.kill().await;

        let life = Life::on(data.path()).await;
        let answer = (self.request)(&life.app, known).send().await;
        self.claim(&life, known, answer, self.done_already, &case.name)
            .await;
    }

    async fn disturbed<T>(&self, template: &Template, known: &T, case: Case)
    where
        P: AsyncFn(&App) -> T,
        R: Fn(&Client, &T) -> Call,
        C: AsyncFn(&App, &T, &Answer),
    {
        let data = template.copy();
        let life = Life::on(data.path()).await;
        life.faults.store.faults(case.rule);
        let answer = (self.request)(&life.app, known).send().await;
        self.claim(&life, known, answer, self.lost, &case.name)
            .await;
    }

    async fn claim<T>(&self, life: &Life, known: &T, answer: Answer, or: &[(u16, &str)], case: &str)
    where
        P: AsyncFn(&App) -> T,
        R: Fn(&Client, &T) -> Call,
        C: AsyncFn(&App, &T, &Answer),
    {
        let status = answer.status.as_u16();
        let is_done = or
            .iter()
            .any(|(other, code)| *other == status && answer.text.contains(&format!("\"{code}\"")));
        assert!(status == self.status || is_done, "{case}: {}", answer.text);
        life.app.stack.settle().await;
        Tables::of(&life.app).await.hold(case);
        (self.check)(&life.app, known, &answer).await;
        life.app.stack.settle().await;
        Tables::of(&life.app).await.hold(case);
    }
}
