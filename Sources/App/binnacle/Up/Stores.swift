import LogStore
import ObjectStore
import Runtime
import SeriesStore
import ServiceLifecycle
import Telemetry

/// The three embedded stores.
struct Stores: Sendable {
    let objects: SQLiteObjectStore
    let series: SeriesStore
    let logs: LogArchive

    static func open(_ directory: DataDirectory, _ settings: Settings, _ registry: MetricRegistry) throws -> Stores {
        let files = HostFileSystem()
        do {
            for path in [directory.objects, directory.series, directory.logs, directory.tail, directory.pods, directory.podLogs] {
                try files.makeDirectory(path, mode: 0o700)
            }
            let stores = Stores(
                objects: try SQLiteObjectStore(path: "\(directory.objects)/objects.db", metrics: registry),
                series: try SeriesStore.open(directory: directory.series, configuration: settings.store.configuration, metrics: registry),
                logs: try openLogs(directory, settings, registry))
            for warning in stores.series.openWarnings { Output.error("warning: metrics: \(warning)") }
            return stores
        } catch let error as CommandFailure {
            throw error
        } catch {
            throw CommandFailure(message: "\(error)", hint: "nothing was changed; see docs/how-to/data-directory.md for how to go on")
        }
    }

    static func openLogs(_ directory: DataDirectory, _ settings: Settings, _ registry: MetricRegistry) throws -> LogArchive {
        var options = LogArchive.Options(directory: directory.logs)
        options.retention = settings.logsRetention >= SettingKey.unlimited ? nil : max(1, settings.logsRetention.wholeMilliseconds / 86_400_000)
        let logs = try LogArchive(options, metrics: registry)
        for file in logs.damagedFiles { Output.error("warning: logs: \(file.path) was set aside: \(file.reason)") }
        return logs
    }

    /// Their lives, to be first in the group: they stop last.
    var parts: [any Service] {
        [
            Part(name: "object store", body: { await objects.run() }, onStop: { await objects.close() }),
            Part(name: "series store", body: { try await maintainSeries() }, onStop: { await series.close() }),
            Part(name: "log store", body: { await logs.run() }, onStop: { try? await logs.close() }),
        ]
    }

    /// Flushing and retention, each of which the store decides by the time.
    private func maintainSeries() async throws {
        while !Task.isCancelled {
            try await Task.sleep(for: .seconds(10))
            // A failure is counted by the store, and tried again.
            try? await series.maintain()
        }
    }
}
