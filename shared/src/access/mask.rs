//! People's data as it is shown to those who need not know it.
//!
//! Lists and pages show masked values to everybody but the creator itself. Who needs a value in clear reveals it, which
//! needs a permission and is recorded: see [`super::record_reveal`].

use uuid::Uuid;

use super::Permission;
use crate::kernel::{Actor, words};

words!(
    /// A piece of people's data that is masked.
    PersonalField {
        /// The name in their papers.
        LegalName => "legalName",
        /// When they were born.
        BirthDate => "birthDate",
        /// Where mail reaches them.
        Email => "email",
        /// Where calls reach them.
        Phone => "phone",
        /// Where post reaches them.
        PostalAddress => "postalAddress",
        /// What the tax office calls them.
        TaxId => "taxId",
        /// Where their money goes to.
        BankAccount => "bankAccount",
    }
);

/// What stands for characters that are not shown.
const HIDDEN: &str = "***";
/// Characters that a number must have so that its last four may be shown.
const LAST_FOUR_MIN_CHARS: usize = 8;

impl PersonalField {
    /// The permission to reveal it.
    pub const fn permission(self) -> Permission {
        match self {
            Self::LegalName | Self::BirthDate => Permission::RevealIdentity,
            Self::Email | Self::Phone | Self::PostalAddress => Permission::RevealContact,
            Self::TaxId => Permission::RevealTax,
            Self::BankAccount => Permission::RevealBank,
        }
    }

    /// The value with as much left as tells two of them apart in a conversation, and no more.
    pub fn masked(self, value: &str) -> String {
        match self {
            Self::LegalName => initials(value),
            Self::Email => email(value),
            Self::Phone => last(value, 2),
            Self::TaxId | Self::BankAccount => last(value, 4),
            Self::BirthDate | Self::PostalAddress => HIDDEN.to_owned(),
        }
    }

    /// The value as `actor` is shown it: in clear if it is their own, else masked. `owner` is the creator whose it is.
    pub fn shown(self, actor: &Actor, owner: Uuid, value: &str) -> String {
        if actor.reach().creator == Some(owner) {
            value.to_owned()
        } else {
            self.masked(value)
        }
    }
}

/// `Ada Lovelace` becomes `A*** L***`.
fn initials(name: &str) -> String {
    let words = name.split_whitespace();
    let masked: Vec<String> = words
        .filter_map(|word| word.chars().next())
        .map(|first| format!("{first}{HIDDEN}"))
        .collect();
    masked.join(" ")
}

/// `ada@example.com` becomes `a***@example.com`; of a local part of one character nothing is left.
fn email(address: &str) -> String {
    let Some((local, domain)) = address.rsplit_once('@') else {
        return HIDDEN.to_owned();
    };
    let first = local.chars().next().filter(|_| local.chars().count() > 1);
    let first = first.map(String::from).unwrap_or_default();
    format!("{first}{HIDDEN}@{domain}")
}

/// The last `shown` characters, of a value that is long enough to keep the others secret.
fn last(value: &str, shown: usize) -> String {
    let chars: Vec<char> = value.chars().filter(|c| c.is_alphanumeric()).collect();
    if chars.len() < LAST_FOUR_MIN_CHARS {
        return HIDDEN.to_owned();
    }
    let end: String = chars[chars.len() - shown..].iter().collect();
    format!("{HIDDEN}{end}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Role;

    #[test]
    fn a_mask_leaves_only_what_it_should() {
        use PersonalField::{
            BankAccount, BirthDate, Email, LegalName, Phone, PostalAddress, TaxId,
        };
        for (field, value, masked) in [
            (LegalName, "Ada King Lovelace", "A*** K*** L***"),
            (LegalName, " ", ""),
            (Email, "ada.l@example.com", "a***@example.com"),
            (Email, "a@example.com", "***@example.com"),
            (Email, "nonsense", "***"),
            (Phone, "+15550100123", "***23"),
            (Phone, "+1555", "***"),
            (TaxId, "123-45-6789", "***6789"),
            (TaxId, "1234567", "***"),
            (BankAccount, "DE89 3704 0044 0532 0130 00", "***3000"),
            (BirthDate, "1990-05-17", "***"),
            (PostalAddress, "1 Example Street", "***"),
        ] {
            assert_eq!(field.masked(value), masked, "{field} {value}");
        }
    }

    #[test]
    fn only_the_creator_itself_is_shown_the_value() {
        let own = Uuid::from_u128(1);
        let Actor::User(mut caller) = Actor::user("ada", &[Role::Creator]) else {
            panic!("a user");
        };
        caller.creator = Some(own);
        let ada = Actor::User(caller);
        let phone = "+15550100123";
        assert_eq!(PersonalField::Phone.shown(&ada, own, phone), phone);
        let other = Uuid::from_u128(2);
        assert_eq!(PersonalField::Phone.shown(&ada, other, phone), "***23");
        let admin = Actor::user("bea", &[Role::Admin]);
        assert_eq!(PersonalField::Phone.shown(&admin, own, phone), "***23");
    }
}
