//! Who carries the money of which method.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::{BatchFormat, PayoutError, PayoutMethod};
use crate::config::{PayoutFiles, PayoutsConfig};
use crate::kernel::Sealer;
use crate::kernel::money::Currency;
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
    files: Option<Arc<PayoutFiles>>,
    pub(super) sealer: Sealer,
}

impl Carriers {
    /// Nobody yet; destinations are sealed with keys derived from `key`.
    pub fn new(key: &[u8; 32]) -> Self {
        Self {
            providers: BTreeMap::new(),
            files: None,
            sealer: Sealer::new(key, PURPOSE),
        }
    }

    /// Those that `config` names.
    pub fn connect(config: &PayoutsConfig, key: &[u8; 32]) -> Self {
        let PayoutsConfig {
            paxum,
            paypal,
            custody,
            files,
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
        if let Some(files) = files {
            all = all.with_files(files);
        }
        all
    }

    /// The same, with somebody who carries a method's money.
    #[must_use]
    pub fn with(mut self, method: PayoutMethod, provider: Arc<dyn PayoutProvider>) -> Self {
        self.providers.insert(method, provider);
        self
    }

    /// The same, with a folder for files and those who pay by them.
    #[must_use]
    pub fn with_files(mut self, files: PayoutFiles) -> Self {
        self.files = Some(Arc::new(files));
        self
    }

    /// Whether somebody carries a method's money in a currency.
    pub fn carries(&self, method: PayoutMethod, currency: Currency) -> bool {
        if !method.goes_in_files() {
            return self.providers.contains_key(&method);
        }
        BatchFormat::of(method, currency).is_some_and(|format| self.files(format).is_ok())
    }

    /// Passes if somebody carries a method's money in a currency.
    ///
    /// # Errors
    /// If nobody does.
    pub fn ensure(&self, method: PayoutMethod, currency: Currency) -> Result<(), PayoutError> {
        if self.carries(method, currency) {
            return Ok(());
        }
        Err(PayoutError::NoProvider(method))
    }

    /// What files of a format are made with.
    ///
    /// # Errors
    /// If there is no folder for them, or nobody who pays by them.
    pub(super) fn files(&self, format: BatchFormat) -> Result<&PayoutFiles, PayoutError> {
        let files = self.files.as_deref().filter(|files| match format {
            BatchFormat::Pain001 => files.sepa.is_some(),
            BatchFormat::Nacha => files.nacha.is_some(),
            BatchFormat::ChequePdf => files.cheque_drawer.is_some(),
        });
        files.ok_or(PayoutError::NoProvider(format.pays().0))
    }

    /// The folder through which files come and go.
    pub(super) fn folder(&self) -> Option<PathBuf> {
        self.files.as_ref().map(|files| files.folder.clone())
    }

    /// The formats that can be written.
    pub fn formats(&self) -> Vec<BatchFormat> {
        let all = BatchFormat::ALL.iter().copied();
        all.filter(|format| self.files(*format).is_ok()).collect()
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
