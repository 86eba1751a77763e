//! Who carries the money of which method.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{PayoutError, PayoutMethod};
use crate::config::PayoutsConfig;
use crate::kernel::Sealer;
use crate::providers::payout::PayoutProvider;
use crate::providers::payout::crypto::CustodyProvider;
use crate::providers::payout::paxum::PaxumProvider;
use crate::providers::payout::paypal::PayPalProvider;

/// What the keys of this slice are derived for.
const PURPOSE: &str = "creator-crm payouts v1";

/// The providers that are connected, and what opens the destinations that they are told.
#[derive(Debug, Clone)]
pub struct Carriers {
    providers: BTreeMap<PayoutMethod, Arc<dyn PayoutProvider>>,
    pub(super) sealer: Sealer,
}

impl Carriers {
    /// Nobody yet; destinations are sealed with keys derived from `key`.
    pub fn new(key: &[u8; 32]) -> Self {
        Self {
            providers: BTreeMap::new(),
            sealer: Sealer::new(key, PURPOSE),
        }
    }

    /// Those that `config` names.
    pub fn connect(config: &PayoutsConfig, key: &[u8; 32]) -> Self {
        let PayoutsConfig {
            paxum,
            paypal,
            custody,
        } = config.clone();
        let mut all = Self::new(key);
        if let Some(options) = paxum {
            all = all.with(PayoutMethod::Paxum, Arc::new(PaxumProvider::new(options)));
        }
        if let Some(options) = paypal {
            all = all.with(PayoutMethod::Paypal, Arc::new(PayPalProvider::new(options)));
        }
        if let Some(options) = custody {
            let provider = Arc::new(CustodyProvider::new(options));
            all = all.with(PayoutMethod::Cryptocurrency, provider);
        }
        all
    }

    /// The same, with somebody who carries a method's money.
    #[must_use]
    pub fn with(mut self, method: PayoutMethod, provider: Arc<dyn PayoutProvider>) -> Self {
        self.providers.insert(method, provider);
        self
    }

    /// Whether somebody carries a method's money.
    pub fn carries(&self, method: PayoutMethod) -> bool {
        self.providers.contains_key(&method)
    }

    /// Who carries a method's money.
    ///
    /// # Errors
    /// If nobody does.
    pub fn of(&self, method: PayoutMethod) -> Result<&Arc<dyn PayoutProvider>, PayoutError> {
        self.providers
            .get(&method)
            .ok_or(PayoutError::NoProvider(method))
    }

    /// The provider of a name, as it stands in records.
    pub fn named(&self, name: &str) -> Option<&Arc<dyn PayoutProvider>> {
        self.providers
            .values()
            .find(|provider| provider.name() == name)
    }
}
