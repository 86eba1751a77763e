//! Made-up creators for demonstrations and measurements: always the same ones, with addresses and numbers that can
//! belong to nobody (domains below `.example`, RFC 2606; numbers 555-0100 to 555-0199, kept for fiction).

use sqlx::PgPool;

use crate::creators::{CreatorId, CreatorStatus, SeedColumns, Tier, insert_seed};
use crate::kernel::{Clock, TypedId};

/// Creators that one statement stores at the most.
const CHUNK: usize = 5_000;

const FIRST_NAMES: [&str; 16] = [
    "Ada", "Ben", "Chloé", "Dario", "Elif", "Finn", "Grace", "Hugo", "Imani", "Jonas", "Kaya",
    "Leo", "Mina", "Nils", "Olga", "Pia",
];
const CLUSTERS: [&str; 9] = [
    "girlfanz",
    "boyfanz",
    "fanzlab",
    "daddyfanz",
    "pupfanz",
    "taboofanz",
    "transfanz",
    "cougarfanz",
    "fanzcock",
];
const TIME_ZONES: [&str; 5] = [
    "America/New_York",
    "Europe/Berlin",
    "America/Los_Angeles",
    "Asia/Tokyo",
    "Australia/Sydney",
];

/// Who is made up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mixture {
    /// As in life: most are active and agreed to mail, some are not or did not.
    Lifelike,
    /// Everybody is active and agreed to mail.
    AllReachable,
}

/// Makes up the first `count` creators; those that are there already stay as they are. Answers how many are new.
///
/// # Errors
/// If the database refuses.
pub async fn creators(
    pool: &PgPool,
    clock: &Clock,
    count: usize,
    mixture: Mixture,
) -> sqlx::Result<u64> {
    let mut made = 0;
    for first in (0..count).step_by(CHUNK) {
        let mut columns = SeedColumns::default();
        for n in first..count.min(first + CHUNK) {
            add(&mut columns, n, mixture);
        }
        let mut conn = pool.acquire().await?;
        made += insert_seed(&mut conn, &columns, clock.now())
            .await?
            .unsigned_abs();
    }
    Ok(made)
}

fn add(columns: &mut SeedColumns, n: usize, mixture: Mixture) {
    let name = FIRST_NAMES[n % FIRST_NAMES.len()];
    let cluster = CLUSTERS[n % CLUSTERS.len()];
    let plain: String = name
        .chars()
        .filter(char::is_ascii)
        .collect::<String>()
        .to_lowercase();
    columns.id.push(CreatorId::new().uuid());
    columns.cluster.push(cluster.to_owned());
    columns.email.push(format!("{plain}.{n}@{cluster}.example"));
    columns.username.push(format!("{plain}{n}"));
    columns
        .phone
        .push(format!("+1{}55501{:02}", 201 + n / 100 % 700, n % 100));
    columns.first_name.push(name.to_owned());
    columns.display_name.push(format!("{name} {n}"));
    columns.status.push(status(n, mixture).as_str().to_owned());
    columns.tier.push(tier(n).as_str().to_owned());
    columns
        .time_zone
        .push(TIME_ZONES[n % TIME_ZONES.len()].to_owned());
    columns
        .consents
        .push(mixture == Mixture::AllReachable || n % 40 != 13);
}

/// Of a hundred: 90 active, the others spread over what else there is.
fn status(n: usize, mixture: Mixture) -> CreatorStatus {
    if mixture == Mixture::AllReachable {
        return CreatorStatus::Active;
    }
    match n % 100 {
        3 | 43 => CreatorStatus::PendingVerification,
        17 => CreatorStatus::PendingReview,
        29 | 59 | 71 => CreatorStatus::Inactive,
        37 => CreatorStatus::Suspended,
        83 => CreatorStatus::Banned,
        61 | 97 => CreatorStatus::Churned,
        _ => CreatorStatus::Active,
    }
}

/// Fewer the higher.
fn tier(n: usize) -> Tier {
    match n % 64 {
        0 => Tier::Legend,
        1 | 2 => Tier::Superstar,
        3..=6 => Tier::Star,
        7..=14 => Tier::Established,
        15..=28 => Tier::Rising,
        29..=48 => Tier::Emerging,
        _ => Tier::Newcomer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::creators::{self, Phone, Username};
    use crate::kernel::EmailAddress;

    #[test]
    fn everybody_made_up_could_have_registered_and_can_belong_to_nobody() {
        let mut columns = SeedColumns::default();
        (0..2_000).for_each(|n| add(&mut columns, n, Mixture::Lifelike));
        for n in 0..2_000 {
            let email: EmailAddress = columns.email[n].parse().expect("an address");
            assert!(email.as_str().ends_with(".example"));
            columns.username[n].parse::<Username>().expect("a username");
            let phone: Phone = columns.phone[n].parse().expect("a number");
            assert!(phone.as_str()[5..].starts_with("55501"), "{phone}");
            columns.time_zone[n]
                .parse::<chrono_tz::Tz>()
                .expect("a time zone");
        }
    }

    #[sqlx::test(migrations = "../migrations")]
    async fn seeding_twice_is_seeding_once(pool: PgPool) {
        let clock = Clock::system();
        assert_eq!(
            creators(&pool, &clock, 100, Mixture::Lifelike)
                .await
                .expect("seeded"),
            100
        );
        assert_eq!(
            creators(&pool, &clock, 120, Mixture::Lifelike)
                .await
                .expect("seeded"),
            20
        );
        let mut conn = pool.acquire().await.expect("a connection");
        assert_eq!(
            creators::clusters(&mut conn).await.expect("clusters").len(),
            CLUSTERS.len()
        );
    }
}
