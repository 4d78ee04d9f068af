import ArgumentParser
import Glibc
import JSON
import SeriesStore
import Serving
import Terminal

struct BackupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup", abstract: "Copy the metrics as they are now, also while Binnacle runs.",
        discussion: """
            DEST is made; under that name it is always whole. It holds series/ as a data directory does: `binnacle store check`
            looks at it, `binnacle restore` brings it back. The Binnacle that runs with the data directory writes the copy.

            EXAMPLES
              binnacle backup /backup/metrics-monday
              binnacle backup /backup/metrics --data-dir /srv/metrics
            """)

    @Argument(help: ArgumentHelp("The directory to make.", valueName: "dest")) var destination: String
    @Option(help: ArgumentHelp("The data directory.", valueName: "dir")) var dataDir: String?

    func run() async throws {
        let source = try StoreDirectory.find(dataDir ?? Settings.defaultDataDirectory)
        let target = BackupCommand.absolute(destination)
        try Backup.checkEmpty(target)
        var progress = StepProgress()
        let bytes: Int
        if source.isInUse {
            let answer = try await source.ask(StoreAdminAPI.backup + "?to=\(target.percentEncoded)") { progress.step($0) }
            bytes = answer["bytes"].int ?? 0
        } else {
            let store = try source.open()
            do {
                bytes = try await Backup.make(at: target) { try await store.snapshot(to: $0) }
            } catch let error as CommandFailure {
                await store.close()
                throw error
            } catch {
                await store.close()
                throw CommandFailure(message: "\(error)")
            }
            await store.close()
        }
        progress.end()
        try Output.write("\(target): \(HumanNumber.bytes(Double(bytes)))\n")
    }

    static func absolute(_ path: String) -> String {
        var path = path
        while path.count > 1, path.hasSuffix("/") { path.removeLast() }
        if path.hasPrefix("/") { return path }
        guard let here = unsafe getcwd(nil, 0) else { return path }
        defer { unsafe free(here) }
        return unsafe String(cString: here) + "/" + path
    }
}

struct RestoreCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore", abstract: "Bring a backup of the metrics back into a data directory that has none.",
        discussion: """
            Checks the backup first, and changes nothing if it is damaged. Binnacle must not run with the data directory.

            EXAMPLES
              binnacle restore /backup/metrics-monday
              binnacle restore /backup/metrics --data-dir /srv/metrics
            """)

    @Argument(help: ArgumentHelp("The backup.", valueName: "src")) var source: String
    @Option(help: ArgumentHelp("The data directory.", valueName: "dir")) var dataDir: String?

    func run() throws {
        let backup = try StoreDirectory.find(source)
        let target = try DataDirectory.open(dataDir ?? Settings.defaultDataDirectory)
        var progress = StepProgress()
        do {
            try Backup.restore(backup, to: target) { progress.step($0) }
        } catch let error as CommandFailure {
            throw error
        } catch {
            throw CommandFailure(message: "\(error)", hint: "nothing was changed in \(target.path)")
        }
        progress.end()
        try Output.write("\(target.series): restored from \(backup.series)\n")
    }
}
