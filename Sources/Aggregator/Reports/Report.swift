import Telemetry

/// A report as a value: what it says, before any form is chosen. Every form shows the same numbers.
public struct Report: Sendable {
    /// Of the JSON form's shape.
    public static let schema = "report.v1"

    public var title: String
    public var from: Timestamp
    public var through: Timestamp
    public var generated: Timestamp
    /// `all namespaces on n1`.
    public var scope: String
    /// Plain sentences, the most important first.
    public var summary: [String]
    public var sections: [Section]

    public struct Section: Sendable {
        /// Short and lasting: the anchor in HTML, the file in CSV, the key in JSON.
        public var id: String
        public var title: String
        public var text: [String]
        public var charts: [Chart]
        public var tables: [Table]

        public init(id: String, title: String, text: [String] = [], charts: [Chart] = [], tables: [Table] = []) {
            self.id = id
            self.title = title
            self.text = text
            self.charts = charts
            self.tables = tables
        }
    }

    public enum Unit: String, Sendable {
        case none = ""
        case cores
        case bytes
        case percent
        case seconds
        case count
    }

    public enum Status: String, Sendable { case good, warning, critical }

    public enum Cell: Sendable, Equatable {
        case text(String)
        case number(Double, Unit)
        case status(Status, String)
        /// Not known, with the reason in the column's section.
        case unknown
    }

    public struct Table: Sendable {
        public struct Column: Sendable {
            public var title: String
            /// The header in CSV and the member in JSON, with its unit: `memory_request_bytes`.
            public var key: String
            public init(_ title: String, key: String) {
                self.title = title
                self.key = key
            }
        }
        public var id: String
        public var columns: [Column]
        public var rows: [[Cell]]
        /// What to say in place of a table without rows.
        public var empty: String

        public init(id: String, columns: [Column], rows: [[Cell]], empty: String) {
            self.id = id
            self.columns = columns
            self.rows = rows
            self.empty = empty
        }
    }

    public struct Chart: Sendable {
        public struct Series: Sendable {
            public var name: String
            /// Milliseconds since 1970, ascending.
            public var points: [(time: Int64, value: Double)]
            public init(name: String, points: [(time: Int64, value: Double)]) {
                self.name = name
                self.points = points
            }
        }
        public var title: String
        public var unit: Unit
        public var series: [Series]
        /// Points further apart than this are not joined, in milliseconds.
        public var gap: Int64

        public init(title: String, unit: Unit, series: [Series], gap: Int64) {
            self.title = title
            self.unit = unit
            self.series = series
            self.gap = gap
        }
    }
}
