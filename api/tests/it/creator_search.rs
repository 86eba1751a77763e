//! Finding creators over HTTP.

use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::{Value, json};
use shared::kernel::Role;
use sqlx::PgPool;

use crate::creators::{registered, wrong_fields};
use crate::support::{Answer, TestApp};

/// The usernames of a page, in order.
fn names(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status.as_u16(), 200, "{answer:?}");
    let json = answer.json();
    let items = json["items"].as_array().expect("items");
    let name = |item: &Value| item["username"].as_str().expect("a name").to_owned();
    items.iter().map(name).collect()
}

/// Three creators: ada of Berlin, Chloé with a handle, and zoe.
async fn three(app: &TestApp) {
    for (username, body) in [
        (
            "ada",
            json!({ "displayName": "Ada Silverfox", "owner": "eve" }),
        ),
        (
            "chloe",
            json!({ "displayName": "Chloé Moon", "handles": { "instagram": "moon_child" } }),
        ),
        (
            "zoe",
            json!({ "displayName": "Ze 100%", "aliases": ["Silver Zed"] }),
        ),
    ] {
        let (path, _) = registered(app, username).await;
        let changed = app.call(Method::PATCH, &path, &[], Some(body)).await;
        assert_eq!(changed.status.as_u16(), 200, "{changed:?}");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn creators_are_found_by_parts_of_names_aliases_handles_and_by_id(pool: PgPool) {
    let app = TestApp::new(pool);
    three(&app).await;
    for (q, expected) in [
        ("silver", &["zoe", "ada"][..]),
        ("SILVER+fox", &["ada"]),
        ("chloe", &["chloe"]),
        ("CHLO%C3%89", &["chloe"]),
        ("oon_chi", &["chloe"]),
        ("ze", &["zoe"]),
        ("100%25", &["zoe"]),
        ("0%25%25", &[]),
        ("o_n", &[]),
        ("ada%40exam", &["ada"]),
        ("nobody", &[]),
    ] {
        let found = app.get(&format!("/api/creators?q={q}")).await;
        assert_eq!(names(&found), expected, "{q}");
    }
    let id = app.get("/api/creators?q=chloe").await.json()["items"][0]["id"].clone();
    let found = app
        .get(&format!("/api/creators?q={}", id.as_str().expect("an id")))
        .await;
    assert_eq!(names(&found), ["chloe"]);
}

#[sqlx::test(migrations = "../migrations")]
async fn creators_are_found_by_tags_and_custom_fields(pool: PgPool) {
    let app = TestApp::new(pool);
    three(&app).await;
    for field in [
        json!({ "key": "fans", "label": "Fans", "type": "number" }),
        json!({ "key": "langs", "label": "Languages", "type": "multi_select", "options": ["de", "fr"] }),
        json!({ "key": "vip", "label": "VIP", "type": "bool" }),
    ] {
        let made = app.post("/api/custom-fields", field).await;
        assert_eq!(made.status.as_u16(), 201, "{made:?}");
    }
    for (name, tags, values) in [
        (
            "ada",
            json!(["spring", "berlin"]),
            json!({ "fans": 9.5, "langs": ["de", "fr"], "vip": true }),
        ),
        ("zoe", json!(["spring"]), json!({ "fans": "1200" })),
    ] {
        let id = app.get(&format!("/api/creators?q={name}")).await.json()["items"][0]["id"].clone();
        let path = format!("/api/creators/{}", id.as_str().expect("an id"));
        let tagged = app
            .call(
                Method::PUT,
                &format!("{path}/tags"),
                &[],
                Some(json!({ "tags": tags })),
            )
            .await;
        assert_eq!(tagged.status.as_u16(), 200, "{tagged:?}");
        let set = app
            .call(
                Method::PATCH,
                &format!("{path}/custom-fields"),
                &[],
                Some(values),
            )
            .await;
        assert_eq!(set.status.as_u16(), 200, "{set:?}");
    }
    for (query, expected) in [
        ("tag=spring", &["zoe", "ada"][..]),
        ("tag=Spring,berlin", &["ada"]),
        ("tag=autumn", &[]),
        ("custom=fans:greater_than:10", &["zoe"]),
        ("custom=fans:equals:9.50", &["ada"]),
        ("custom=fans:not_equals:1200", &["chloe", "ada"]),
        ("custom=langs:contains:fr", &["ada"]),
        ("custom=vip:equals:true", &["ada"]),
        (
            "cluster=girlfanz&tag=spring&custom=fans:less_than:10&sort=name",
            &["ada"],
        ),
    ] {
        let found = app.get(&format!("/api/creators?{query}")).await;
        assert_eq!(names(&found), expected, "{query}");
    }
    for query in ["tag=a+b", "custom=fans", "custom=fans:near:1"] {
        let refused = app.get(&format!("/api/creators?{query}")).await;
        let field = query.split('=').next().expect("a name");
        assert_eq!(wrong_fields(&refused), [field], "{query}");
    }
    for query in [
        "custom=nothing:equals:1",
        "custom=fans:contains:1",
        "custom=fans:equals:many",
    ] {
        let refused = app.get(&format!("/api/creators?{query}")).await;
        assert_eq!(wrong_fields(&refused), ["custom/0"], "{query}");
    }
    let filter = json!({ "tags": ["spring"], "fields": [{ "field": "fans", "operator": "less_than", "value": 10 }] });
    let body = json!({ "action": { "type": "assign", "owner": "eve" }, "filter": filter, "reason": "few fans" });
    let seen = app
        .post("/api/creator-bulk-operations/preview", body)
        .await
        .json();
    assert_eq!(
        (&seen["matched"], &seen["sample"][0]["username"]),
        (&json!(1), &json!("ada"))
    );
    let kept = app
        .post(
            "/api/creator-views",
            json!({ "name": "Few fans", "filter": filter }),
        )
        .await
        .json();
    assert_eq!(kept["filter"]["tags"], json!(["spring"]));
    assert_eq!(
        kept["filter"]["fields"],
        json!([{ "field": "fans", "operator": "less_than", "value": "10" }])
    );
    let wrong = json!({ "name": "Wrong", "filter": { "fields": [{ "field": "fans", "operator": "contains", "value": "1" }] } });
    let refused = app.post("/api/creator-views", wrong).await;
    assert_eq!(wrong_fields(&refused), ["/filter/fields/0"]);
}

async fn as_role(app: &TestApp, role: Role, path: &str) -> Answer {
    let request = Request::get(path)
        .header("authorization", format!("Bearer {}", app.token(role)))
        .body(Body::empty());
    app.send(request.expect("a request")).await
}

#[sqlx::test(migrations = "../migrations")]
async fn addresses_and_legal_names_are_searched_only_for_those_who_may(pool: PgPool) {
    let app = TestApp::new(pool);
    three(&app).await;
    let by_email = "/api/creators?q=ada%40example";
    assert_eq!(
        names(&as_role(&app, Role::Support, by_email).await),
        ["ada"]
    );
    assert_eq!(
        names(&as_role(&app, Role::Marketing, by_email).await),
        [""; 0]
    );
    let recorded = async |by: &str| {
        let path = format!("/api/admin/audit?action=creator.search_{by}");
        let trail = app.get(&path).await;
        assert!(!trail.text.contains("example"), "{trail:?}");
        trail.json()["items"].as_array().map(Vec::len)
    };
    assert_eq!(
        recorded("address").await,
        Some(1),
        "Support's, not Marketing's"
    );
    // without an `@` nobody learns anything of an address, whatever they may do
    for part in ["example", "ada.example", "@x"] {
        let path = format!("/api/creators?q={part}");
        let found = as_role(&app, Role::Support, &path).await;
        assert_eq!(names(&found), [""; 0], "{part}");
    }
    assert_eq!(recorded("address").await, Some(1));
    let person = {
        let id = app.get("/api/creators?q=ada").await.json()["items"][0]["id"].clone();
        let path = format!("/api/creators/{}", id.as_str().expect("an id"));
        app.get(&path).await.json()["personId"].clone()
    };
    let path = format!("/api/people/{}", person.as_str().expect("an id"));
    let body = json!({ "legalName": "Augusta  King" });
    app.call(Method::PATCH, &path, &[], Some(body)).await;
    let by_name = "/api/creators?legalName=augusta+ki";
    let refused = as_role(&app, Role::Marketing, by_name).await;
    assert_eq!(refused.status.as_u16(), 403, "{refused:?}");
    assert_eq!(
        names(&as_role(&app, Role::Compliance, by_name).await),
        ["ada"]
    );
    let trail = app
        .get("/api/admin/audit?action=creator.search_legal_name")
        .await;
    assert_eq!(
        trail.json()["items"].as_array().map(Vec::len),
        Some(1),
        "{trail:?}"
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn every_order_goes_page_by_page_through_all_without_a_gap(pool: PgPool) {
    let app = TestApp::new(pool);
    sqlx::query(
        "insert into creators (id, cluster_id, email, email_key, username, username_key, display_name, status, owner,
                               last_active_at, archived_at, created_by, created_at, updated_at)
         select gen_random_uuid(), (array['girlfanz', 'boyfanz', 'pupfanz'])[1 + n % 3], 'user' || n || '@x.example',
                'user' || n || '@x.example', 'user' || n, 'user' || n, case when n % 4 > 0 then 'Name ' || n % 7 end,
                (array['active', 'inactive', 'banned'])[1 + n % 3],
                case when n % 2 = 0 then 'eve' end, case when n % 5 > 0 then now() - make_interval(mins => n % 11) end,
                case when n % 10 = 0 then now() end, 'test', now() - make_interval(mins => n % 13), now()
         from generate_series(1, 100) n",
    )
    .execute(app.app.db.pool())
    .await
    .expect("creators");
    sqlx::query(
        "update creator_tiers t set tier = (array['rising', 'star', 'emerging', 'legend'])[1 + substr(username, 5)::int % 4]
         from creators c where c.id = t.creator_id",
    )
    .execute(app.app.db.pool())
    .await
    .expect("tiers");
    for filter in [
        "",
        "&cluster=girlfanz,boyfanz",
        "&status=active&tier=rising,star",
        "&owner=eve",
        "&q=name",
        "&archived=true",
        "&tier=star&activeAfter=2020-01-01T00:00:00Z&createdBefore=2999-01-01T00:00:00Z",
    ] {
        for sort in ["created", "name", "lastActive", "tier"] {
            let mut seen = Vec::new();
            for direction in ["", "-"] {
                let mut all: Vec<String> = Vec::new();
                let mut cursor = String::new();
                loop {
                    let path =
                        format!("/api/creators?limit=7&sort={direction}{sort}{filter}{cursor}");
                    let page = app.get(&path).await;
                    all.extend(names(&page));
                    match page.json()["nextCursor"].as_str() {
                        Some(next) => cursor = format!("&cursor={next}"),
                        None => break,
                    }
                }
                seen.push(all);
            }
            seen[1].reverse();
            assert_eq!(seen[0], seen[1], "{sort}{filter}");
            assert!(!seen[0].is_empty(), "{sort}{filter}");
            let distinct: std::collections::BTreeSet<_> = seen[0].iter().collect();
            assert_eq!(distinct.len(), seen[0].len(), "{sort}{filter}");
        }
    }
    let all = app.get("/api/creators?limit=200").await;
    assert_eq!(names(&all).len(), 90, "archived ones are not among them");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_wrong_parameter_is_named(pool: PgPool) {
    let app = TestApp::new(pool);
    for (query, field) in [
        ("sort=email", "sort"),
        ("status=gone", "status"),
        ("tier=gold", "tier"),
        ("q=", "q"),
        ("createdAfter=yesterday", "createdAfter"),
        ("limit=0", "limit"),
        ("nonsense=1", "nonsense"),
    ] {
        let answer = app.get(&format!("/api/creators?{query}")).await;
        assert_eq!(wrong_fields(&answer), [field], "{query}");
    }
    registered(&app, "ada").await;
    registered(&app, "eve").await;
    let next = app.get("/api/creators?limit=1").await.json()["nextCursor"].clone();
    let next = next.as_str().expect("a next page");
    let foreign = app
        .get(&format!("/api/creators?sort=name&cursor={next}"))
        .await;
    assert_eq!(foreign.problem(), "invalid-cursor");
}
