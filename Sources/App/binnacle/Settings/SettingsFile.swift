import JSON
import QuerySyntax
import Runtime
import Terminal
import YAML

/// The configuration file: YAML, one mapping whose keys are the flags' names.
enum SettingsFile {
    static let systemPath = "/etc/binnacle/config.yaml"

    /// The file to read: the one that is named, or the machine's own if it exists.
    static func path(named: String?) -> String? {
        named ?? Output.environment("BINNACLE_CONFIG") ?? (HostFileSystem().exists(systemPath) ? systemPath : nil)
    }

    /// The pairs of the file; none if it is empty.
    static func members(of path: String) throws -> JSONObject {
        let bytes: [UInt8]
        do { bytes = try HostFileSystem().read(path) } catch {
            throw CommandFailure(message: "\(error)", hint: "name the configuration file with --config")
        }
        let documents: [JSON]
        do { documents = try YAMLParser.documents(bytes, file: path) } catch {
            throw CommandFailure(message: "\(error)")
        }
        guard documents.count <= 1 else { throw CommandFailure(message: "\(path): \(documents.count) documents, expected one") }
        guard let document = documents.first, !document.isNull else { return JSONObject() }
        guard let members = document.object else {
            throw CommandFailure(message: "\(path): the file is \(document.typeName), expected keys and values such as `port-offset: 0`")
        }
        return members
    }

    /// Puts the file's values over `settings`. Throws one failure that lists every problem.
    static func apply(_ path: String, to settings: inout Settings) throws {
        var problems: [String] = []
        for (name, value) in try members(of: path) {
            if let problem = apply(name, value, to: &settings) { problems.append("\(path): \(problem)") }
        }
        guard problems.isEmpty else {
            throw CommandFailure(message: problems.joined(separator: "\nerror: "), hint: "`binnacle config keys` lists the keys and what they take")
        }
    }

    /// What is wrong with the pair, or nil.
    private static func apply(_ name: String, _ value: JSON, to settings: inout Settings) -> String? {
        guard let key = SettingKey.all.first(where: { $0.name == name }) else {
            let guess = NearestName.match(name, among: SettingKey.all.map(\.name)).map { "; did you mean \"\($0)\"?" } ?? ""
            return "\"\(name)\" is no key\(guess)"
        }
        let text = key.isList ? list(value) : scalar(value)
        guard let text, key.write(&settings, text) else { return "\(name) is \(value), expected \(key.expected)" }
        return nil
    }

    /// The elements of a list, a line each; one alone needs no list.
    private static func list(_ value: JSON) -> String? {
        guard case .array(let elements) = value else { return scalar(value) }
        let texts = elements.compactMap(scalar)
        return texts.count == elements.count ? texts.joined(separator: "\n") : nil
    }

    static func scalar(_ value: JSON) -> String? {
        switch value {
        case .string(let text): text
        case .integer(let number): "\(number)"
        case .number(let number): "\(number)"
        case .bool(let flag): "\(flag)"
        default: nil
        }
    }
}
