//! Kinds of devices, the products of each, and the components that fail in them.

/// A product category as coverage and skills name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Category {
    /// Laptops.
    Notebook,
    /// Desktop computers.
    Desktop,
    /// Mobile phones.
    Phone,
    /// Tablets.
    Tablet,
    /// Printers and scanners.
    Printer,
    /// Flat screens.
    Monitor,
}

/// All categories.
pub(crate) const CATEGORIES: [Category; 6] = [
    Category::Notebook,
    Category::Desktop,
    Category::Phone,
    Category::Tablet,
    Category::Printer,
    Category::Monitor,
];

impl Category {
    /// The category's code in the contract.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Category::Notebook => "NOTEBOOK",
            Category::Desktop => "DESKTOP",
            Category::Phone => "PHONE",
            Category::Tablet => "TABLET",
            Category::Printer => "PRINTER",
            Category::Monitor => "MONITOR",
        }
    }

    /// The skill its repairs ask for.
    pub(crate) fn skill(self) -> String {
        format!("{}_REPAIR", self.code())
    }

    /// The category of an Open Repair product category; `None`: no IT product.
    pub(crate) fn of_open_repair(name: &str) -> Option<Category> {
        match name {
            "Laptop" => Some(Category::Notebook),
            "Desktop computer" => Some(Category::Desktop),
            "Mobile" => Some(Category::Phone),
            "Tablet" => Some(Category::Tablet),
            "Printer/scanner" => Some(Category::Printer),
            "Flat screen" => Some(Category::Monitor),
            _ => None,
        }
    }

    /// Component classes that can be replaced, the one that fails most often first.
    pub(crate) fn components(self) -> &'static [&'static str] {
        match self {
            Category::Notebook => &[
                "MAINBOARD",
                "BATTERY",
                "DISK",
                "LCD",
                "KEYBOARD",
                "ADAPTER",
                "MEMORY",
                "FAN",
            ],
            Category::Desktop => &[
                "POWER_SUPPLY",
                "MAINBOARD",
                "DISK",
                "MEMORY",
                "FAN",
                "GRAPHICS",
            ],
            Category::Phone => &[
                "LCD",
                "BATTERY",
                "MAINBOARD",
                "PORT",
                "SPEAKER",
                "CAMERA",
                "ADAPTER",
            ],
            Category::Tablet => &["LCD", "BATTERY", "PORT", "MAINBOARD", "ADAPTER"],
            Category::Printer => &["PAPER_FEED", "PRINT_HEAD", "MAINBOARD", "POWER_SUPPLY"],
            Category::Monitor => &["POWER_SUPPLY", "LCD", "MAINBOARD"],
        }
    }

    fn models(self) -> [&'static str; 3] {
        match self {
            Category::Notebook => ["NB-13", "NB-14", "NB-15"],
            Category::Desktop => ["DT-100", "DT-200", "DT-300"],
            Category::Phone => ["PH-5", "PH-6", "PH-7"],
            Category::Tablet => ["TB-8", "TB-10", "TB-11"],
            Category::Printer => ["PR-1", "PR-2", "PR-3"],
            Category::Monitor => ["MO-22", "MO-24", "MO-27"],
        }
    }
}

/// A model that is sold and breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Product {
    /// Model code: "NB-14".
    pub(crate) code: &'static str,
    /// What it is.
    pub(crate) category: Category,
}

/// Every product, three of each category, in the order of [`CATEGORIES`].
pub(crate) fn products() -> Vec<Product> {
    let of = |category: Category| category.models().map(|code| Product { code, category });
    CATEGORIES.into_iter().flat_map(of).collect()
}
