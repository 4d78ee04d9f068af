import Telemetry

/// Puts lists of one series' samples together: ascending times, each once. Where two lists say something of one
/// time, the later list counts.
enum SampleMerger {
    typealias Samples = (times: ContiguousArray<Int64>, values: ContiguousArray<Double>)

    /// Each list ascends. `duplicates` says how many samples gave way.
    static func combine(_ lists: [Samples]) -> (times: ContiguousArray<Int64>, values: ContiguousArray<Double>, duplicates: Int) {
        let lists = lists.filter { !$0.times.isEmpty }
        guard lists.count > 1 else { return (lists.first?.times ?? [], lists.first?.values ?? [], 0) }
        let total = lists.reduce(0) { $0 + $1.times.count }
        var times = ContiguousArray<Int64>()
        var values = ContiguousArray<Double>()
        times.reserveCapacity(total)
        values.reserveCapacity(total)
        // The usual case: one after the other in time, in whatever order they were found.
        let order = lists.indices.sorted { (lists[$0].times[0], $0) < (lists[$1].times[0], $1) }
        if zip(order, order.dropFirst()).allSatisfy({ lists[$0].times.last! < lists[$1].times[0] }) {
            for index in order {
                times.append(contentsOf: lists[index].times)
                values.append(contentsOf: lists[index].values)
            }
            return (times, values, 0)
        }
        var all: [(time: Int64, list: Int, value: Double)] = []
        all.reserveCapacity(total)
        for (number, list) in lists.enumerated() {
            for index in list.times.indices { all.append((list.times[index], number, list.values[index])) }
        }
        all.sort { ($0.time, $0.list) < ($1.time, $1.list) }
        var duplicates = 0
        for item in all {
            if times.last == item.time {
                values[values.count - 1] = item.value
                duplicates += 1
            } else {
                times.append(item.time)
                values.append(item.value)
            }
        }
        return (times, values, duplicates)
    }
}
