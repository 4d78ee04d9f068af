import Glibc
import LogTail
import Runtime

/// The file of `--logs-config`, read with what it needs of this machine.
enum LogsFile {
    /// - Parameters:
    ///   - path: nil is `standard`.
    ///   - directory: where the key of secrets' marks is kept.
    static func read(_ path: String?, standard: LogTailConfiguration, directory: String) throws -> LogTailConfiguration {
        let key: [UInt8]
        do { key = try RedactionKey.open("\(directory)/redaction.key") } catch { throw CommandFailure(message: "\(error)") }
        guard let path else {
            var configuration = standard
            configuration.readZone = zone
            // Annotations ask for redaction too.
            configuration.redactionKey = key
            return configuration
        }
        let text: [UInt8]
        do { text = try HostFileSystem().read(path) } catch {
            throw CommandFailure(message: "\(error)", hint: "--logs-config names a file that says which logs are collected; docs/logs-collect.md describes it")
        }
        do throws(ConfigurationReader.Failure) {
            return try ConfigurationReader.read(text, name: path, readZone: zone, redactionKey: key)
        } catch {
            throw CommandFailure(
                message: error.problems.joined(separator: "\nerror: "), hint: "docs/logs-collect.md describes the file; nothing was started", exitCode: 2)
        }
    }

    private static let zone: @Sendable (String) -> [UInt8]? = { name in try? HostFileSystem().read("/usr/share/zoneinfo/\(name)") }

    /// How many log files may be open at once: a quarter of what the process may open, for there are connections and stores too.
    static var openFiles: Int {
        var limit = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 256 }
        return max(64, min(4096, Int(clamping: limit.rlim_cur) / 4))
    }
}
