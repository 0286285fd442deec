//! A page of figures in Prometheus' text format 0.0.4.
//! It knows no figure. The surprise: a name's help and type come once, before its first line, however many lines follow.

use std::fmt::Write;

/// The `Content-Type` of a page.
pub const TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

#[derive(Debug, Default)]
pub struct Page {
    text: String,
    last: String,
}

/// What a figure does over time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only rises.
    Counter,
    Gauge,
    Histogram,
}

impl Page {
    pub fn finish(self) -> String {
        self.text
    }

    pub fn counter(&mut self, name: &str, help: &str, labels: &[(&str, &str)], value: u64) {
        self.head(name, help, Kind::Counter);
        self.line(name, labels, value as f64);
    }

    pub fn gauge(&mut self, name: &str, help: &str, labels: &[(&str, &str)], value: f64) {
        self.head(name, help, Kind::Gauge);
        self.line(name, labels, value);
    }

    /// What a name is; written when the name is another than the last one.
    pub fn head(&mut self, name: &str, help: &str, kind: Kind) {
        if self.last == name {
            return;
        }
        name.clone_into(&mut self.last);
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        // Writing to a string cannot fail.
        let _ = writeln!(
            self.text,
            "# HELP {name} {}\n# TYPE {name} {kind}",
            help.replace('\\', r"\\").replace('\n', r"\n")
        );
    }

    pub fn line(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        self.text.push_str(name);
        for (at, (label, text)) in labels.iter().enumerate() {
            let text = text.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n");
            let _ = write!(self.text, "{}{label}=\"{text}\"", if at == 0 { '{' } else { ',' });
        }
        if !labels.is_empty() {
            self.text.push('}');
        }
        let _ = writeln!(self.text, " {value}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_as_scrapers_read_it() {
        let mut page = Page::default();
        page.counter("a_total", "What\nis \\ it", &[], 3);
        page.gauge("b", "B.", &[("model", "a\"b\\\n"), ("x", "y")], 0.5);
        page.gauge("b", "B.", &[("model", "c"), ("x", "z")], 12_345_678.0);
        let expected = "# HELP a_total What\\nis \\\\ it\n# TYPE a_total counter\na_total 3\n\
                        # HELP b B.\n# TYPE b gauge\nb{model=\"a\\\"b\\\\\\n\",x=\"y\"} 0.5\nb{model=\"c\",x=\"z\"} 12345678\n";
        assert_eq!(page.finish(), expected);
    }
}
