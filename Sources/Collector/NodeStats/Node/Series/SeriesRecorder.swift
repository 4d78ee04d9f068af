import Exposition

/// Takes the values of a round in order, and keeps the layout of the round before as long as the same series come in
/// the same order: then a round makes no label and no string.
struct SeriesRecorder {
    private var series: [NodeSeries] = []
    private var values: [MetricValue] = []
    private var layout = NodeLayout.empty
    private var isChanged = false

    /// How many values this round has so far.
    var count: Int { values.count }

    mutating func begin() {
        values = []
        values.reserveCapacity(series.count + 16)
        isChanged = false
    }

    /// One value. `key` is a hash of what the labels are made from; `labels` is asked only when the series is new.
    mutating func add(_ family: NodeFamily, _ value: MetricValue, key: UInt64 = 0, labels: () -> [NodeSeries.Label] = { [] }) {
        let position = values.count
        values.append(value)
        if position < series.count, series[position].family === family, series[position].key == key { return }
        place(NodeSeries(family: family, key: key, labels: labels()), at: position)
    }

    /// One value of a family whose name the kernel gives: `key` stands for the name and the labels.
    mutating func add(named key: UInt64, _ value: MetricValue, describe: () -> (family: NodeFamily, labels: [NodeSeries.Label])) {
        let position = values.count
        values.append(value)
        if position < series.count, series[position].key == key { return }
        let (family, labels) = describe()
        place(NodeSeries(family: family, key: key, labels: labels), at: position)
    }

    /// One value of a series that exists already.
    mutating func add(_ one: NodeSeries, _ value: MetricValue) {
        let position = values.count
        values.append(value)
        if position < series.count, series[position].family === one.family, series[position].key == one.key { return }
        place(one, at: position)
    }

    /// Drops what came after `count` values: a source that failed half-way shows nothing.
    mutating func drop(after count: Int) { values.removeLast(values.count - count) }

    /// The series and values that came after `count` values.
    func recorded(after count: Int) -> [(NodeSeries, MetricValue)] { (count..<values.count).map { (series[$0], values[$0]) } }

    mutating func finish() -> NodeMetrics {
        if isChanged || values.count != layout.series.count {
            series.removeLast(series.count - values.count)
            layout = NodeLayout(series)
        }
        return NodeMetrics(layout: layout, values: values)
    }

    private mutating func place(_ one: NodeSeries, at position: Int) {
        isChanged = true
        if position < series.count { series[position] = one } else { series.append(one) }
    }
}

extension SeriesRecorder {
    /// One value by its labels, for what is read seldom: the key is made from them.
    mutating func add(_ family: NodeFamily, _ value: MetricValue, labels: [NodeSeries.Label]) {
        var key = KernelText.key(of: "")
        for label in labels { key = KernelText.key(of: label.value + "\n", seed: key) }
        add(family, value, key: key) { labels }
    }

    /// One value of a family whose name is made up as it is read.
    mutating func add(_ name: String, _ kind: MetricFamily.Kind, _ help: String, _ value: MetricValue, labels: [NodeSeries.Label] = []) {
        var key = KernelText.key(of: name)
        for label in labels { key = KernelText.key(of: "\n\(label.name)=\(label.value)", seed: key) }
        add(named: key, value) { (NodeFamily(name, kind, help), labels) }
    }
}
