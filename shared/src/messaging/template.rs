//! Templates of messages: checked when they are written, harmless when they run.
//!
//! A message is not a program. Besides text it may have `{firstName}` or `{{ firstName }}`, custom fields such as
//! `{{ custom.city | default('your city') }}`, filters, and `{% if %}`. There are no loops and no assignments, so a message takes as long as it is; fuel and a cap on the output
//! stand behind that.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value, context, filters};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::{Deserialize, Serialize};
use url::Url;

use super::RenderError;
use crate::kernel::FieldError;

/// Characters in a subject's template at the most.
pub const SUBJECT_MAX_CHARS: usize = 300;
/// Characters in a message's template at the most.
pub const MESSAGE_MAX_CHARS: usize = 20_000;
/// Characters in a button's text at the most.
const ACTION_MAX_CHARS: usize = 100;
/// Bytes in a rendered part at the most.
const PART_MAX_BYTES: usize = 100_000;
/// Steps that rendering one part may take.
const FUEL: u64 = 50_000;
/// Bytes of a word in braces at the most: what is longer is text.
const WORD_MAX: usize = 60;

/// The variables there are; every recipient has a value for each.
pub const VARIABLES: [&str; 7] = [
    "firstName",
    "displayName",
    "username",
    "clusterName",
    "tier",
    "postalAddress",
    "unsubscribeUrl",
];

/// Before the key of a custom field; of these a recipient may have no value.
const CUSTOM: &str = "custom.";

/// What a recipient has in a custom field, as templates take it.
#[derive(Debug, Clone, PartialEq)]
pub enum CustomValue {
    /// Printed as it is.
    Text(String),
    /// Printed, and compared as a number; with more than 15 digits it is rounded.
    Number(Decimal),
    /// For conditions.
    Flag(bool),
}

impl CustomValue {
    fn value(&self) -> Value {
        match self {
            Self::Text(text) => Value::from(text.as_str()),
            Self::Flag(flag) => Value::from(*flag),
            Self::Number(number) if number.is_integer() => {
                number.to_i128().map_or(Value::UNDEFINED, Value::from)
            }
            Self::Number(number) => number.to_f64().map_or(Value::UNDEFINED, Value::from),
        }
    }
}

/// The values for one recipient.
#[derive(Debug, Clone)]
pub struct Variables {
    /// The name they are addressed by; when they gave none, the name others read, or their username.
    pub first_name: String,
    /// The name others read; when they gave none, their username.
    pub display_name: String,
    /// Their name on the cluster.
    pub username: String,
    /// The cluster's name.
    pub cluster_name: String,
    /// Their tier.
    pub tier: String,
    /// Where the sender can be reached by post.
    pub postal_address: String,
    /// Where the mails can be stopped.
    pub unsubscribe_url: String,
    /// By the keys of custom fields, where they have a value.
    pub custom: BTreeMap<String, CustomValue>,
}

impl Variables {
    fn values(&self) -> Value {
        context! {
            firstName => self.first_name.as_str(),
            displayName => self.display_name.as_str(),
            username => self.username.as_str(),
            clusterName => self.cluster_name.as_str(),
            tier => self.tier.as_str(),
            postalAddress => self.postal_address.as_str(),
            unsubscribeUrl => self.unsubscribe_url.as_str(),
            custom => Value::from_pairs(self.custom.iter().map(|(key, value)| (key.as_str(), value.value()))),
        }
    }
}

/// What somebody wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// The subject's template.
    pub subject: String,
    /// The message's template: plain text, paragraphs divided by an empty line.
    pub message: String,
    /// What the recipient is asked to do.
    pub action: Option<Action>,
}

/// A button.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    /// The template of what stands on it.
    pub text: String,
    /// Where it leads, `http` or `https`.
    pub url: String,
}

/// A message for one recipient, before it becomes a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// One line.
    pub subject: String,
    /// Plain text.
    pub message: String,
    /// The button's text and where it leads.
    pub action: Option<(String, String)>,
}

/// A checked content, ready to be rendered many times.
#[derive(Debug)]
pub struct MessageTemplate {
    env: Environment<'static>,
    action_url: Option<String>,
    custom: Vec<UsedField>,
}

/// A custom field that a part of a content names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsedField {
    /// The part, as a JSON pointer into the content.
    pub pointer: &'static str,
    /// The field's key; whether there is such a field is not known here.
    pub key: String,
}

const SUBJECT: &str = "subject";
const MESSAGE: &str = "message";
const ACTION: &str = "callToAction";

impl MessageTemplate {
    /// Checks a content and makes it ready. It is rendered with two made-up recipients, one of whom has no custom
    /// fields, so that what fails for everybody, or for who has no value, fails here.
    ///
    /// # Errors
    /// With each wrong field, as a JSON pointer into the content.
    pub fn compile(content: &Content) -> Result<Self, Vec<FieldError>> {
        let mut wrong = Vec::new();
        let mut env = environment();
        let mut custom = Vec::new();
        let mut add =
            |name: &'static str, pointer: &'static str, source: &str, max_chars: usize| {
                match add_template(&mut env, name, source, max_chars) {
                    Ok(keys) => {
                        custom.extend(keys.into_iter().map(|key| UsedField { pointer, key }));
                    }
                    Err(message) => wrong.push(FieldError::new(pointer, message)),
                }
            };
        add(SUBJECT, "/subject", &content.subject, SUBJECT_MAX_CHARS);
        add(MESSAGE, "/message", &content.message, MESSAGE_MAX_CHARS);
        if let Some(action) = &content.action {
            add(ACTION, "/callToAction/text", &action.text, ACTION_MAX_CHARS);
            if !is_web_address(&action.url) {
                wrong.push(FieldError::new(
                    "/callToAction/url",
                    "use an address that begins with https:// or http://",
                ));
            }
        }
        let template = Self {
            env,
            action_url: content.action.as_ref().map(|action| action.url.clone()),
            custom,
        };
        if wrong.is_empty() {
            wrong.extend(template.try_out());
        }
        if wrong.is_empty() {
            Ok(template)
        } else {
            Err(wrong)
        }
    }

    /// The custom fields that its parts name, each once a part.
    pub fn custom_fields(&self) -> &[UsedField] {
        &self.custom
    }

    /// The message for one recipient.
    ///
    /// # Errors
    /// If a part cannot be rendered with these values, becomes too large, or the subject would break its line.
    pub fn render(&self, variables: &Variables) -> Result<Rendered, RenderError> {
        let subject = self.part(SUBJECT, variables)?;
        let subject = subject.trim();
        if subject.is_empty() {
            return Err(RenderError::EmptySubject);
        }
        if subject.chars().any(char::is_control) {
            return Err(RenderError::ControlInSubject);
        }
        let action = match &self.action_url {
            Some(url) => Some((self.part(ACTION, variables)?, url.clone())),
            None => None,
        };
        Ok(Rendered {
            subject: subject.to_owned(),
            message: self.part(MESSAGE, variables)?,
            action,
        })
    }

    fn part(&self, name: &'static str, variables: &Variables) -> Result<String, RenderError> {
        let template = |source| RenderError::Template { part: name, source };
        let mut output = Capped::default();
        let rendered = self
            .env
            .get_template(name)
            .map_err(template)?
            .render_captured_to(variables.values(), &mut output)
            .map(drop);
        if output.full {
            return Err(RenderError::TooLarge {
                part: name,
                limit_bytes: PART_MAX_BYTES,
            });
        }
        rendered.map_err(template)?;
        // what the engine writes is text, in whole pieces
        Ok(String::from_utf8_lossy(&output.bytes).into_owned())
    }

    fn try_out(&self) -> Vec<FieldError> {
        let short = |text: &str| text.to_owned();
        let with = self.custom.iter().map(|used| {
            let value = CustomValue::Text(short("x"));
            (used.key.clone(), value)
        });
        let samples = [("Ada", with.collect()), ("x", BTreeMap::new())];
        let samples = samples.map(|(name, custom)| Variables {
            first_name: short(name),
            display_name: short(name),
            username: short(name),
            cluster_name: short("GirlFanz"),
            tier: short("rising"),
            postal_address: short("1 Example Street"),
            unsubscribe_url: short("https://example.com/u/x"),
            custom,
        });
        let failed = samples.iter().find_map(|sample| {
            let error = self.render(sample).err()?;
            let pointer = pointer_of(&error);
            let told = match self.custom.iter().find(|used| used.pointer == pointer) {
                Some(used) if sample.custom.is_empty() => without_value(&used.key),
                _ => told(&error),
            };
            Some(FieldError::new(pointer, told))
        });
        failed.into_iter().collect()
    }
}

/// What to write instead where a field is named that a recipient may not have.
fn without_value(key: &str) -> String {
    format!(
        "who is written to may have no `{CUSTOM}{key}`: write {{{{ {CUSTOM}{key} | default('…') }}}}, or put what \
         needs it between {{% if {CUSTOM}{key} %}} and {{% endif %}}"
    )
}

fn pointer_of(error: &RenderError) -> &'static str {
    match error {
        RenderError::Template { part, .. } | RenderError::TooLarge { part, .. } => match *part {
            MESSAGE => "/message",
            ACTION => "/callToAction/text",
            _ => "/subject",
        },
        RenderError::ControlInSubject
        | RenderError::EmptySubject
        | RenderError::Address(_)
        | RenderError::Mime(_) => "/subject",
    }
}

fn told(error: &RenderError) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

/// An engine that knows nothing but what messages may use.
fn environment() -> Environment<'static> {
    let mut env = Environment::empty();
    // what there is not cannot be written, but asked for: who has no value of a custom field has none
    env.set_undefined_behavior(UndefinedBehavior::SemiStrict);
    // the parts are plain text; the layout escapes them for where it puts them
    env.set_auto_escape_callback(|_| AutoEscape::None);
    env.set_fuel(Some(FUEL));
    env.add_filter("upper", filters::upper);
    env.add_filter("lower", filters::lower);
    env.add_filter("title", filters::title);
    env.add_filter("capitalize", filters::capitalize);
    env.add_filter("trim", filters::trim);
    env.add_filter("default", filters::default);
    env
}

/// Adds one part; answers the keys of the custom fields that it names, or what is wrong with it.
fn add_template(
    env: &mut Environment<'static>,
    name: &'static str,
    source: &str,
    max_chars: usize,
) -> Result<BTreeSet<String>, String> {
    if source.trim().is_empty() {
        return Err("must not be empty".into());
    }
    if source.chars().count() > max_chars {
        return Err(format!("is longer than {max_chars} characters"));
    }
    let prepared = prepare(source)?;
    env.add_template_owned(name, prepared)
        .map_err(|error| format!("is not a valid template: {error}"))?;
    let template = env.get_template(name).map_err(|error| error.to_string())?;
    let used: BTreeSet<String> = template.undeclared_variables(true).into_iter().collect();
    let mut keys = BTreeSet::new();
    for variable in used {
        match variable.strip_prefix(CUSTOM) {
            Some(key) if !key.contains('.') => {
                keys.insert(key.to_owned());
            }
            None if VARIABLES.contains(&variable.as_str()) => (),
            Some(_) | None => return Err(unknown_variable(&variable)),
        }
    }
    Ok(keys)
}

fn unknown_variable(name: &str) -> String {
    let name: String = name.chars().take(40).collect();
    format!(
        "there is no variable `{name}`; use one of: {}, or `{CUSTOM}` and the key of a custom field",
        VARIABLES.join(", ")
    )
}

/// Turns `{firstName}` into `{{ firstName }}` and refuses what messages may not use. Braces around anything else than a
/// single word stay as they are.
fn prepare(source: &str) -> Result<String, String> {
    let mut output = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(at) = rest.find('{') {
        output.push_str(&rest[..at]);
        rest = &rest[at..];
        let taken = if rest.starts_with("{{") {
            copy_tag(&mut output, rest, "}}", |_| Ok(()))?
        } else if rest.starts_with("{%") {
            copy_tag(&mut output, rest, "%}", check_statement)?
        } else if rest.starts_with("{#") {
            copy_tag(&mut output, rest, "#}", |_| Ok(()))?
        } else if let Some(word) = braced_word(rest) {
            if let Some(key) = word.strip_prefix(CUSTOM) {
                return Err(without_value(key));
            }
            if !VARIABLES.contains(&word) {
                return Err(unknown_variable(word));
            }
            output.push_str("{{ ");
            output.push_str(word);
            output.push_str(" }}");
            word.len() + 2
        } else {
            output.push('{');
            1
        };
        rest = &rest[taken..];
    }
    output.push_str(rest);
    Ok(output)
}

/// Copies a tag with its delimiters; answers its length.
fn copy_tag(
    output: &mut String,
    rest: &str,
    end: &str,
    check: impl FnOnce(&str) -> Result<(), String>,
) -> Result<usize, String> {
    let length = rest[2..]
        .find(end)
        .map(|at| at + 2 + end.len())
        .ok_or_else(|| format!("`{}` is not closed", &rest[..2]))?;
    let tag = &rest[..length];
    // repeating is the one operator whose result can be much larger than the template
    if !tag.starts_with("{#") && tag.contains('*') {
        return Err("`*` cannot be used in a message".into());
    }
    check(tag[2..length - end.len()].trim_matches(['-', '+', ' ', '\t', '\r', '\n']))?;
    output.push_str(tag);
    Ok(length)
}

fn check_statement(statement: &str) -> Result<(), String> {
    let word = statement.split_whitespace().next().unwrap_or_default();
    if matches!(word, "if" | "elif" | "else" | "endif") {
        return Ok(());
    }
    let word: String = word.chars().take(40).collect();
    Err(format!(
        "`{{% {word} %}}` cannot be used in a message; only if, elif, else and endif can"
    ))
}

/// The word in `{word}`, also with points in it; none if the braces hold anything else.
fn braced_word(rest: &str) -> Option<&str> {
    let word = rest.strip_prefix('{')?.split_once('}')?.0;
    let begins_well = word.chars().next().is_some_and(|c| c.is_ascii_alphabetic());
    (begins_well
        && word.len() <= WORD_MAX
        && word
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.')))
    .then_some(word)
}

/// Whether a link may lead there: anything but http and https can run a script or open a program.
fn is_web_address(text: &str) -> bool {
    text.len() <= 2000
        && !text.chars().any(|c| c.is_control() || c.is_whitespace())
        && text
            .parse::<Url>()
            .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.host().is_some())
}

/// Takes [`PART_MAX_BYTES`] and then no more.
#[derive(Default)]
struct Capped {
    bytes: Vec<u8>,
    full: bool,
}

impl io::Write for Capped {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + piece.len() > PART_MAX_BYTES {
            self.full = true;
            return Err(io::Error::other("the part is too large"));
        }
        self.bytes.extend_from_slice(piece);
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(subject: &str, message: &str) -> Content {
        Content {
            subject: subject.into(),
            message: message.into(),
            action: None,
        }
    }

    fn variables(first_name: &str) -> Variables {
        Variables {
            first_name: first_name.into(),
            display_name: "Ada L.".into(),
            username: "ada".into(),
            cluster_name: "GirlFanz".into(),
            tier: "rising".into(),
            postal_address: "1 Example Street".into(),
            unsubscribe_url: "https://crm.example/u/x".into(),
            custom: BTreeMap::new(),
        }
    }

    fn rendered(message: &str, first_name: &str) -> String {
        let template =
            MessageTemplate::compile(&content("Hello", message)).expect("a good template");
        template
            .render(&variables(first_name))
            .expect("rendered")
            .message
    }

    fn refused(message: &str) -> FieldError {
        let mut wrong =
            MessageTemplate::compile(&content("Hello", message)).expect_err("not acceptable");
        assert_eq!(wrong.len(), 1, "{wrong:?}");
        wrong.remove(0)
    }

    #[test]
    fn both_kinds_of_braces_name_variables() {
        assert_eq!(
            rendered("Hi {firstName}, {{ firstName | upper }}!", "Ada"),
            "Hi Ada, ADA!"
        );
        assert_eq!(
            rendered(
                "{% if tier == 'rising' %}up{% else %}down{% endif %}",
                "Ada"
            ),
            "up"
        );
    }

    #[test]
    fn braces_around_anything_else_stay() {
        assert_eq!(
            rendered(".a { color: red } {\"json\": 1} {1} {}", "Ada"),
            ".a { color: red } {\"json\": 1} {1} {}"
        );
    }

    #[test]
    fn a_value_that_looks_like_a_template_is_not_run() {
        assert_eq!(
            rendered("Hi {firstName}", "{{ username }}{% if %}"),
            "Hi {{ username }}{% if %}"
        );
    }

    #[test]
    fn an_unknown_variable_is_refused_with_its_field_and_the_known_ones() {
        for message in [
            "{fristName}",
            "{{ fristName }}",
            "{% if fristName %}x{% endif %}",
        ] {
            let wrong = refused(message);
            assert_eq!(wrong.field, "/message");
            assert!(
                wrong.message.contains("`fristName`") && wrong.message.contains("firstName"),
                "{message}: {wrong:?}"
            );
        }
    }

    #[test]
    fn custom_fields_are_written_and_asked_for_as_what_they_are() {
        let message = "{{ custom.city | default('your city') }}: \
                       {% if custom.fans > 1000 %}many{% else %}some{% endif %} fans, {{ custom.rating | default('-') }}\
                       {% if custom.vip %}, VIP{% endif %}";
        let template = MessageTemplate::compile(&content("Hello", message)).expect_err("fans");
        assert!(template[0].message.contains("custom."), "{template:?}");
        let message = message.replace("custom.fans > 1000", "custom.fans and custom.fans > 1000");
        let template = MessageTemplate::compile(&content(
            "Hello {{ custom.city | default('you') }}",
            &message,
        ))
        .expect("a good template");
        let used: Vec<_> = template
            .custom_fields()
            .iter()
            .map(|used| (used.pointer, used.key.as_str()))
            .collect();
        assert_eq!(
            used,
            [
                ("/subject", "city"),
                ("/message", "city"),
                ("/message", "fans"),
                ("/message", "rating"),
                ("/message", "vip")
            ]
        );
        let shown = |custom: &[(&str, CustomValue)]| {
            let custom = custom
                .iter()
                .map(|(key, value)| ((*key).to_owned(), value.clone()))
                .collect();
            let variables = Variables {
                custom,
                ..variables("Ada")
            };
            template.render(&variables).expect("rendered").message
        };
        assert_eq!(shown(&[]), "your city: some fans, -");
        let number = |text: &str| CustomValue::Number(text.parse().expect("a number"));
        let all = [
            ("city", CustomValue::Text("{{ username }}".into())),
            ("fans", number("20000")),
            ("rating", number("4.50")),
            ("vip", CustomValue::Flag(true)),
        ];
        assert_eq!(shown(&all), "{{ username }}: many fans, 4.5, VIP");
        assert_eq!(
            shown(&[("fans", number("9")), ("vip", CustomValue::Flag(false))]),
            "your city: some fans, -"
        );
    }

    #[test]
    fn a_custom_field_that_a_recipient_may_not_have_needs_something_instead() {
        for message in [
            "{{ custom.city }}",
            "{custom.city}",
            "{{ custom.city | upper }}",
        ] {
            let wrong = refused(message);
            assert_eq!(wrong.field, "/message");
            assert!(
                wrong.message.contains("{{ custom.city | default('…') }}"),
                "{message}: {wrong:?}"
            );
        }
        for message in [
            "{{ custom }}",
            "{{ custom.city.deeper | default('x') }}",
            "{{ custom['city'] | default('x') }}",
        ] {
            assert!(
                refused(message)
                    .message
                    .contains("there is no variable `custom"),
                "{message}"
            );
        }
    }

    #[test]
    fn a_message_is_not_a_program() {
        for message in [
            "{% for i in [1, 2] %}x{% endfor %}",
            "{% set a = 'x' %}",
            "{% macro m() %}{% endmacro %}",
            "{{ 'x' * 1000000 }}",
            "{%- include 'x' -%}",
            "{{ range(10) }}",
            "{{ firstName",
            "{{ firstName | nofilter }}",
            "{{ firstName.secret.deeper }}",
            "",
        ] {
            assert_eq!(refused(message).field, "/message", "{message}");
        }
    }

    #[test]
    fn a_link_leads_to_the_web_or_nowhere() {
        let with = |url: &str| {
            let action = Some(Action {
                text: "Go, {firstName}".into(),
                url: url.into(),
            });
            MessageTemplate::compile(&Content {
                action,
                ..content("Hello", "x")
            })
        };
        assert!(with("https://fanz.example/dashboard?a=b#c").is_ok());
        for url in [
            "javascript:alert(1)",
            "data:text/html,x",
            "//x.example",
            "/dashboard",
            "https://",
            "https://a b",
            "ftp://x.example",
        ] {
            let wrong = with(url).expect_err(url);
            assert_eq!(wrong[0].field, "/callToAction/url", "{url}");
        }
    }

    #[test]
    fn a_name_cannot_end_the_subjects_line() {
        let template =
            MessageTemplate::compile(&content("Hi {firstName}", "x")).expect("a good template");
        let error = template
            .render(&variables("Ada\r\nBcc: x@y.example"))
            .expect_err("a line break");
        assert!(matches!(error, RenderError::ControlInSubject));
    }

    #[test]
    fn a_part_stays_below_its_limit() {
        let template = MessageTemplate::compile(&content("Hello", &"{firstName}".repeat(1000)))
            .expect("a good template");
        let error = template
            .render(&variables(&"x".repeat(200)))
            .expect_err("200,000 bytes");
        assert!(
            matches!(
                error,
                RenderError::TooLarge {
                    part: "message",
                    ..
                }
            ),
            "{error:?}"
        );
    }

    #[test]
    fn every_wrong_field_is_told_at_once() {
        let action = Some(Action {
            text: " ".into(),
            url: "x".into(),
        });
        let wrong = MessageTemplate::compile(&Content {
            action,
            ..content("{nope}", "")
        })
        .expect_err("all wrong");
        let fields: Vec<_> = wrong.iter().map(|field| field.field.as_ref()).collect();
        assert_eq!(
            fields,
            [
                "/subject",
                "/message",
                "/callToAction/text",
                "/callToAction/url"
            ]
        );
    }
}
