//! A caller that gives up in the middle leaves nothing behind on the connection it used.

use futures::poll;

use crate::house::{house, tenant};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_after_a_caller_gave_up_beginning_is_kept() {
    let house = house().await;

    // A caller gives up after every number of steps of opening a transaction; then the next writes.
    const TIMES: usize = 60;
    for round in 0..TIMES {
        let tenant = tenant();
        let mut begin = Box::pin(house.ticket.begin(&tenant));
        for _ in 0..round % 6 {
            if poll!(&mut begin).is_ready() {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(begin);
        let mut single = house.ticket.single(&tenant).await.unwrap();
        sqlx::query(
            "insert into effects (event_id, tenant_id, aggregate, version)
             values (gen_random_uuid(), $1, 'tickets/1', 1)",
        )
        .bind(tenant.as_str())
        .execute(&mut *single)
        .await
        .unwrap();
        single.done(false).await.unwrap();
    }

    let kept: i64 = sqlx::query_scalar("select count(*) from ticket.effects")
        .fetch_one(&house.admin)
        .await
        .unwrap();
    assert_eq!(kept, TIMES as i64, "acknowledged writes are missing");
}
