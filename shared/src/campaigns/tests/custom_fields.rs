//! Custom fields in what a campaign says.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use sqlx::PgPool;

use super::world::World;
use crate::campaigns::*;
use crate::custom_fields::{self, FieldType, Given, NewField};
use crate::kernel::{Actor, Ctx, Role};
use crate::messaging::Content;

impl World {
    async fn field(&self, key: &str, field_type: FieldType) {
        let mut conn = self.db.pool().acquire().await.expect("a connection");
        let field = NewField {
            key: key.parse().expect("a key"),
            label: key.to_owned(),
            field_type,
            options: Vec::new(),
            minimum: None,
            maximum: None::<Decimal>,
            currency: None,
        };
        let ctx = Ctx::new(Actor::user("root", &[Role::Admin]), &self.clock);
        custom_fields::define(&mut conn, &ctx, field)
            .await
            .expect("defined");
    }

    async fn draft_saying(
        &self,
        subject: &str,
        message: &str,
    ) -> Result<CampaignId, CampaignError> {
        let content = Content {
            subject: subject.to_owned(),
            message: message.to_owned(),
            action: None,
        };
        let new = NewCampaign {
            content,
            ..self.new_campaign()
        };
        let mut tx = self.db.begin().await.expect("a transaction");
        let made = create(&mut tx, &self.ctx(), &new).await;
        match made {
            Ok(_) => tx.commit().await.expect("committed"),
            Err(_) => tx.rollback().await.expect("rolled back"),
        }
        Ok(made?.id)
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn each_recipient_reads_their_own_values(pool: PgPool) {
    let world = World::new(pool, 2, 2).await;
    world.field("city", FieldType::Text).await;
    world.field("fans", FieldType::Number).await;
    let mut conn = world.db.pool().acquire().await.expect("a connection");
    let ids: Vec<uuid::Uuid> = sqlx::query_scalar("select id from creators order by id")
        .fetch_all(&mut *conn)
        .await
        .expect("two creators");
    let given = BTreeMap::from([
        ("city".to_owned(), Some(Given::Text("Gera <b>".into()))),
        ("fans".to_owned(), Some(Given::Text("1200".into()))),
    ]);
    custom_fields::set(&mut conn, &world.ctx(), ids[0].into(), None, given)
        .await
        .expect("set");
    let id = world
        .draft_saying(
            "News from {{ custom.city | default('you') }}",
            "{% if custom.fans and custom.fans > 1000 %}So many fans!{% else %}Hello.{% endif %}",
        )
        .await
        .expect("a draft");
    world.steer(id, Move::Launch).await.expect("launched");
    assert_eq!(world.run_launch(id).await, Launched::Done);
    assert_eq!(world.send(id, 0).await, ChunkEnd::Closed);
    let mails = world.email.accepted();
    let says = |subject: &str, text: &str| {
        let fits = |mail: &str| mail.contains(subject) && mail.contains(text);
        mails.iter().filter(|mail| fits(&mail.message)).count()
    };
    assert_eq!(says("Subject: News from Gera <b>\r\n", "So many fans!"), 1);
    assert_eq!(says("Subject: News from you\r\n", "Hello."), 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_field_that_there_is_not_is_refused_where_it_stands(pool: PgPool) {
    let world = World::new(pool, 0, 1).await;
    world.field("city", FieldType::Text).await;
    let refused = world
        .draft_saying(
            "Hi {{ custom.town | default('you') }}",
            "{{ custom.city | default('here') }}, {% if custom.nope %}x{% endif %}",
        )
        .await;
    let Err(CampaignError::Invalid(fields)) = refused else {
        panic!("{refused:?}");
    };
    let fields: Vec<_> = fields
        .iter()
        .map(|field| (field.field.as_ref(), field.message.as_ref()))
        .collect();
    let told =
        |key: &str| format!("there is no custom field `{key}`; GET /api/custom-fields lists them");
    assert_eq!(
        fields,
        [
            ("/content/subject", told("town").as_str()),
            ("/content/message", told("nope").as_str())
        ]
    );
}
