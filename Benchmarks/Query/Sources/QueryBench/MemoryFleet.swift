import PromQL
import Telemetry

/// The fleet as a source in memory with an index of names, so that what is measured is the engine.
struct MemoryFleet: SampleSource {
    let fleet: Fleet
    /// For each metric the places of its series: block and column.
    private let places: [String: [(block: Int, column: Int)]]

    init(_ fleet: Fleet) {
        self.fleet = fleet
        var places: [String: [(block: Int, column: Int)]] = [:]
        for (number, block) in fleet.blocks.enumerated() {
            for (column, labels) in block.labels.enumerated() { places[labels.name, default: []].append((number, column)) }
        }
        self.places = places
    }

    private func chosen(_ matchers: [Matcher]) -> [(block: Int, column: Int)] {
        let name = matchers.first { $0.name == Labels.metricName && $0.operation == .equal }?.value
        let others = matchers.filter { $0.name != Labels.metricName || $0.operation != .equal }
        let candidates = name.map { places[$0] ?? [] } ?? places.values.flatMap { $0 }
        return others.isEmpty
            ? candidates : candidates.filter { place in others.allSatisfy { $0.accepts(fleet.blocks[place.block].labels[place.column]) } }
    }

    func read(_ request: SampleRequest) async throws -> SampleAnswer {
        var columns: [Int: [Int]] = [:]
        var order: [Int] = []
        for place in chosen(request.matchers) {
            if columns[place.block] == nil { order.append(place.block) }
            columns[place.block, default: []].append(place.column)
        }
        // All containers are sampled at the same moments.
        guard let first = fleet.blocks.first else { return SampleAnswer(blocks: []) }
        var block = SampleBlock(timestamps: first.timestamps, labels: [], columns: [])
        for number in order {
            for column in columns[number] ?? [] {
                block.labels.append(fleet.blocks[number].labels[column])
                block.values.append(.whole(request.needsValues ? fleet.blocks[number].columns[column] : []))
            }
        }
        return SampleAnswer(blocks: [block])
    }

    func select(_ matchers: [Matcher], from: Timestamp, through: Timestamp) async throws -> [SeriesSamples] {
        let answer = try await read(SampleRequest(matchers: matchers, from: from, through: through))
        return answer.blocks.flatMap { block in
            zip(block.labels, block.columns).map { SeriesSamples(labels: $0, timestamps: block.timestamps, values: $1) }
        }
    }

    func series(matchers: [Matcher], from: Timestamp, through: Timestamp) async throws -> [Labels] {
        chosen(matchers).map { fleet.blocks[$0.block].labels[$0.column] }
    }
    func labelNames(matchers: [Matcher], from: Timestamp, through: Timestamp) async throws -> [String] {
        Set(try await series(matchers: matchers, from: from, through: through).flatMap { $0.list.map(\.name) }).sorted()
    }
    func labelValues(_ name: String, matchers: [Matcher], from: Timestamp, through: Timestamp) async throws -> [String] {
        Set(try await series(matchers: matchers, from: from, through: through).map { $0[name] }.filter { !$0.isEmpty }).sorted()
    }
}
