import Telemetry

/// What one sender says of one series: samples in any order of time, and what belongs to them.
public struct SeriesBatch: Sendable {
    public struct Sample: Hashable, Sendable {
        /// Milliseconds since 1970.
        public var timestamp: Int64
        /// May be `Double.stale`, any NaN, an infinity, -0: all 64 bits are kept. `Double.absent` is left out.
        public var value: Double
        public init(_ timestamp: Int64, _ value: Double) {
            self.timestamp = timestamp
            self.value = value
        }
    }

    /// An example of what a counter or bucket counted: usually a trace's number.
    public struct Exemplar: Hashable, Sendable {
        public var labels: Labels
        /// Milliseconds since 1970.
        public var timestamp: Int64
        public var value: Double
        public init(labels: Labels, timestamp: Int64, value: Double) {
            self.labels = labels
            self.timestamp = timestamp
            self.value = value
        }
    }

    /// A native histogram as its sender encoded it. The store keeps the bytes and does not look into them.
    public struct Histogram: Hashable, Sendable {
        /// Milliseconds since 1970.
        public var timestamp: Int64
        public var encoded: [UInt8]
        public init(timestamp: Int64, encoded: [UInt8]) {
            self.timestamp = timestamp
            self.encoded = encoded
        }
    }

    public var series: SeriesIdentity
    public var samples: SampleList
    /// Most batches have none, and then cost no reference.
    private var extras: [Extras]?

    private struct Extras: Sendable {
        var exemplars: [Exemplar] = []
        var histograms: [Histogram] = []
    }

    public var exemplars: [Exemplar] {
        get { extras?[0].exemplars ?? [] }
        set {
            if extras == nil { extras = [Extras()] }
            extras![0].exemplars = newValue
        }
    }
    public var histograms: [Histogram] {
        get { extras?[0].histograms ?? [] }
        set {
            if extras == nil { extras = [Extras()] }
            extras![0].histograms = newValue
        }
    }
    /// Whether there is nothing but samples.
    var isPlain: Bool { extras == nil }

    public init(_ series: SeriesIdentity, samples: [Sample], exemplars: [Exemplar] = [], histograms: [Histogram] = []) {
        self.series = series
        self.samples = SampleList(samples)
        if !exemplars.isEmpty || !histograms.isEmpty { extras = [Extras(exemplars: exemplars, histograms: histograms)] }
    }

    /// Of one sample, or of none that is there yet: makes no array.
    public init(_ series: SeriesIdentity, _ sample: Sample? = nil) {
        self.series = series
        samples = SampleList()
        if let sample { samples.append(sample) }
    }

    public init(labels: Labels, samples: [Sample], exemplars: [Exemplar] = [], histograms: [Histogram] = []) {
        self.init(SeriesIdentity(labels), samples: samples, exemplars: exemplars, histograms: histograms)
    }
}

/// What a metric is: the `# TYPE`, `# HELP` and `# UNIT` of an exposition.
public struct MetricMetadata: Hashable, Sendable {
    public var metric: String
    /// `counter`, `gauge`, `histogram`, `gaugehistogram`, `summary`, `info`, `stateset` or `unknown`.
    public var type: String
    public var help: String
    public var unit: String
    public init(metric: String, type: String, help: String, unit: String = "") {
        self.metric = metric
        self.type = type
        self.help = help
        self.unit = unit
    }
}
