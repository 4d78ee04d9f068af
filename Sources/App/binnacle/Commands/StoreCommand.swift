import ArgumentParser
import JSON
import Runtime
import SeriesStore
import Terminal

/// Looks after the metric store in a directory.
struct StoreCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "store", abstract: "Check the stores of metrics and logs, say what is in them, make that of metrics small.",
        discussion: """
            DIR is a data directory, a backup or the metric store's own directory, by default the data directory. `check` and `stats`
            only read, also while Binnacle runs, and cover the logs in a data directory. `compact` asks the Binnacle that runs with the directory, or works itself.

            EXAMPLES
              binnacle store check /var/lib/binnacle
              binnacle store stats --limit 50
              binnacle store compact
            """, subcommands: [Check.self, Stats.self, Compact.self])

    struct Place: ParsableArguments {
        @Argument(help: ArgumentHelp("The directory.", valueName: "dir")) var directory: String?
        @Option(help: ArgumentHelp("The same.", valueName: "dir")) var dataDir: String?

        func find() throws -> StoreDirectory { try StoreDirectory.find(directory ?? dataDir ?? Settings.defaultDataDirectory) }
    }

    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Compare everything on the disk with its checksums and rules. Exit code 1 if anything is wrong.")
        @OptionGroup var place: Place

        func run() throws {
            let store = try place.find()
            var progress = StepProgress()
            let reports: [FileReport]
            do { reports = try StoreCheck(directory: store.series).run { progress.step($0.name) } } catch { throw CommandFailure(message: "\(error)") }
            progress.end()
            var table = TextTable([
                .init("file"), .init("parts", .right), .init("series", .right), .init("samples", .right), .init("size", .right), .init("is"),
            ])
            for report in reports {
                table.rows.append([
                    report.name, "\(report.parts)", "\(report.columns)", "\(report.samples)", HumanNumber.bytes(Double(report.bytes)),
                    report.problems.isEmpty ? "right" : "wrong",
                ])
            }
            try Output.write(table.render())
            var problems = reports.flatMap { report in report.problems.map { "\(store.series)/\(report.name): \($0)" } }
            if let logs = store.logs { problems += try Self.checkLogs(logs) }
            guard problems.isEmpty else {
                throw CommandFailure(
                    message: problems.joined(separator: "\nerror: "), hint: "docs/how-to/data-directory.md says how to go on; `binnacle restore` takes a backup"
                )
            }
        }
    }

    struct Stats: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say where the bytes are: of metrics by metric and codec, of logs by kind of column and template. What is not flushed yet is not counted."
        )
        @OptionGroup var place: Place
        @Option(help: ArgumentHelp("Metrics and templates to show, the largest first.", valueName: "n")) var limit = 20

        func run() throws {
            let store = try place.find()
            let stats: StoreStats
            do { stats = try StoreStats.read(store.series) } catch { throw CommandFailure(message: "\(error)") }
            func table(_ title: String, _ shares: [String: StoreStats.Share], _ limit: Int) -> String {
                var table = TextTable([
                    .init(title), .init("columns", .right), .init("samples", .right), .init("size", .right), .init("bytes a sample", .right),
                ])
                for (name, share) in shares.sorted(by: { ($1.value.bytes, $0.key) < ($0.value.bytes, $1.key) }).prefix(max(0, limit)) {
                    table.rows.append([
                        name, "\(share.columns)", "\(share.samples)", HumanNumber.bytes(Double(share.bytes)), HumanNumber.text(share.bytesPerSample),
                    ])
                }
                return table.render(width: Output.width)
            }
            for problem in stats.unreadable { Output.error("warning: \(problem); it is not counted") }
            let perSample = stats.samples == 0 ? 0 : Double(stats.fileBytes) / Double(stats.samples)
            try Output.write(
                table("metric", stats.metrics, limit) + "\n" + table("codec", stats.codecs, .max) + "\n"
                    + "\(stats.samples) samples in \(stats.parts) parts; values \(HumanNumber.bytes(Double(stats.bodyBytes))), "
                    + "directories \(HumanNumber.bytes(Double(stats.directoryBytes))), all files \(HumanNumber.bytes(Double(stats.fileBytes))): "
                    + "\(HumanNumber.text(perSample)) bytes a sample\n")
            if let logs = store.logs { try Self.writeLogs(logs, limit) }
        }
    }

    struct Compact: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Seal and encode everything now, and give unused space back.")
        @OptionGroup var place: Place

        func run() async throws {
            let place = try place.find()
            let (before, after): (Int, Int)
            if place.isInUse {
                let answer = try await place.ask(StoreAdminAPI.compact) { _ in }
                (before, after) = (answer["before"].int ?? 0, answer["after"].int ?? 0)
            } else {
                let store = try place.open()
                before = store.statistics.fileBytes
                do { try await store.compact() } catch {
                    await store.close()
                    throw CommandFailure(message: "\(error)")
                }
                await store.close()
                after = store.statistics.fileBytes
            }
            try Output.write("\(place.series): \(HumanNumber.bytes(Double(before))) before, \(HumanNumber.bytes(Double(after))) now\n")
        }
    }
}
