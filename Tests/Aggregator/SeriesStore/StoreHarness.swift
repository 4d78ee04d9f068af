import Exposition
import Runtime
import Telemetry
import TestKit

@testable import SeriesStore

/// A store in a directory of its own, under a clock that the test moves.
final class StoreHarness {
    private(set) var directory = TemporaryDirectory("series")
    let clock: ManualClock
    var configuration: SeriesStoreConfiguration
    private(set) var registry = MetricRegistry()
    private(set) var store: SeriesStore

    static let start: Int64 = 1_790_000_000_000

    init(_ configuration: SeriesStoreConfiguration = .init(), interrupt: (@Sendable (String) throws -> Void)? = nil) throws {
        self.configuration = configuration
        clock = ManualClock(startingAt: Timestamp(milliseconds: StoreHarness.start))
        store = try SeriesStore(directory: directory.path, configuration: configuration, metrics: registry, clock: clock, interrupt: interrupt)
    }

    /// What a kill -9 leaves: the files as they are, in a new place, opened anew. The old store is dropped.
    func crash(interrupt: (@Sendable (String) throws -> Void)? = nil) throws {
        let copy = TemporaryDirectory("series")
        let files = HostFileSystem()
        for name in try files.list(directory.path) where name != "lock" && !name.hasSuffix("-shm") {
            try files.write(copy.file(name), try files.read(directory.file(name)))
        }
        registry = MetricRegistry()
        store = try SeriesStore(directory: copy.path, configuration: configuration, metrics: registry, clock: clock, interrupt: interrupt)
        directory = copy
    }

    func reopen() async throws {
        await store.close()
        registry = MetricRegistry()
        store = try SeriesStore(directory: directory.path, configuration: configuration, metrics: registry, clock: clock, interrupt: nil)
    }

    /// Opens another store in the same directory, as a second process would.
    func openAgain() throws -> SeriesStore {
        try SeriesStore.open(directory: directory.path, configuration: configuration, metrics: MetricRegistry(), clock: clock)
    }

    func advance(to time: Int64) {
        let now = clock.timestamp.milliseconds
        if time > now { clock.advance(by: .milliseconds(time - now)) }
    }

    func all() async throws -> SeriesAnswer {
        try await store.answer([], from: Timestamp(milliseconds: 0), through: Timestamp(milliseconds: .max / 2))
    }

    func counter(_ name: String) -> Double {
        registry.collect().filter { $0.name == "binnacle_series_store_\(name)" }.flatMap(\.samples).reduce(0) { $0 + $1.value }
    }
}

func frame(_ source: String, _ time: Int64, _ set: SeriesSet, _ values: [Double]) -> SampleFrame {
    SampleFrame(source: source, timestamp: Timestamp(milliseconds: time), series: set, values: values)
}

extension SeriesSamples {
    /// Comparable by all bits.
    var exact: String { "\(labels) \(zip(timestamps, values).map { "\($0)=\(String($1.bitPattern, radix: 16))" })" }
}
