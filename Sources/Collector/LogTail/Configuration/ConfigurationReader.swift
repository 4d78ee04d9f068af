import JSON
import LogParsing
import Pattern
import Telemetry
import YAML

/// Reads the file of `--logs-config`. docs/logs-collect.md describes it.
public enum ConfigurationReader {
    /// All that is wrong with a file, each with its place.
    public struct Failure: Error, Hashable, Sendable, CustomStringConvertible {
        public var problems: [String]
        public var description: String { problems.joined(separator: "\n") }
    }

    /// `name` is the file's, for messages.
    public static func read(
        _ text: [UInt8], name: String, readZone: @escaping @Sendable (String) -> [UInt8]?, redactionKey: [UInt8]
    ) throws(Failure) -> LogTailConfiguration {
        var configuration = LogTailConfiguration()
        configuration.readZone = readZone
        configuration.redactionKey = redactionKey
        let document: JSON
        do {
            let documents = try YAMLParser.documents(text, file: name)
            guard documents.count <= 1 else { throw Failure(problems: ["\(name): it holds \(documents.count) documents; write one"]) }
            document = documents.first ?? .null
        } catch let error as Failure {
            throw error
        } catch {
            throw Failure(problems: ["\(error)"])
        }
        var reader = Reader(name: name, places: YAMLPlaces(text), configuration: configuration)
        reader.read(document)
        guard reader.problems.isEmpty else { throw Failure(problems: reader.problems) }
        return reader.configuration
    }

    private struct Reader {
        let name: String
        let places: YAMLPlaces
        var configuration: LogTailConfiguration
        var problems: [String] = []

        init(name: String, places: YAMLPlaces, configuration: LogTailConfiguration) {
            self.name = name
            self.places = places
            self.configuration = configuration
        }

        mutating func fail(_ place: String, _ problem: String) { problems.append("\(name):\(places.line(of: place)): \(place): \(problem)") }

        mutating func read(_ document: JSON) {
            guard let members = document.object else {
                if !document.isNull { problems.append("\(name): the file is \(document.typeName), not keys and values; write `sources:` or `rules:`") }
                return
            }
            // Patterns first: parsers use them.
            configuration.patterns = members["patterns"]?.stringMap ?? [:]
            for (key, value) in members {
                switch key {
                case "patterns": break
                case "timezone":
                    if let zone = value.string.flatMap({ ZoneRules(named: $0, read: configuration.readZone) }) {
                        configuration.zone = zone
                    } else {
                        fail(key, "\(value) is no zone of this machine; write a name such as Europe/Berlin")
                    }
                case "defaults": scoped(value, "defaults", match: [:])
                case "sources":
                    for (index, source) in list(value, key).enumerated() { self.source(source, "sources[\(index)]") }
                case "rules":
                    for (index, rule) in list(value, key).enumerated() {
                        scoped(rule, "rules[\(index)]", match: map(rule["match"], "rules[\(index)].match"))
                    }
                case "spool": spool(value)
                default: fail(key, "is no key of this file; there are sources, rules, defaults, patterns, timezone and spool")
                }
            }
        }

        private mutating func list(_ value: JSON, _ place: String) -> [JSON] {
            if let array = value.array { return array }
            if !value.isNull { fail(place, "is \(value.typeName), not a list") }
            return []
        }

        /// A text or a list of texts.
        private mutating func texts(_ value: JSON, _ place: String) -> [String] {
            if let text = value.string { return [text] }
            let texts = list(value, place).map(\.string)
            if texts.contains(nil) { fail(place, "holds something that is no text") }
            return texts.compactMap { $0 }
        }

        /// Names and texts. What is no text would otherwise be passed over, and a rule fit more than was meant.
        private mutating func map(_ value: JSON, _ place: String) -> [String: String] {
            guard !value.isNull else { return [:] }
            guard let members = value.object else {
                fail(place, "is \(value.typeName), not names and texts")
                return [:]
            }
            for (key, text) in members where text.string == nil { fail("\(place).\(key)", "is \(text), which is no text; put it in quotes") }
            return value.stringMap
        }

        // MARK: Sources

        /// The keys beside a source's own; nil where `files` looks at them itself.
        private static let keys: [String: [String]] = ["pods": [], "docker": [], "podman": [], "kernel": [], "journal": ["labels"]]

        private mutating func known(_ value: JSON, _ place: String, _ keys: [String]?) {
            guard let keys else { return }
            for (key, _) in value.members where !keys.contains(key) && Self.keys[key] == nil {
                fail(
                    "\(place).\(key)",
                    "is no key of such a source" + (Self.settings.contains(key) ? "; write it in a rule, whose `match` names the stream" : ""))
            }
        }

        /// A list of absolute paths.
        private mutating func directories(_ value: JSON, _ place: String) -> [String] {
            let paths = texts(value, place)
            for path in paths where !path.hasPrefix("/") { fail(place, "\(path) must begin with /") }
            return paths
        }

        private static let settings: Set<String> = ["multiline", "parser", "timezone", "time", "exclude", "redact", "sample", "rate"]

        private mutating func source(_ value: JSON, _ place: String) {
            let kinds = ["files", "pods", "docker", "podman", "journal", "kernel"].filter { !value[$0].isNull }
            guard kinds.count == 1 else {
                return fail(place, "needs one of files, pods, docker, podman, journal and kernel")
            }
            known(value, place, Self.keys[kinds[0]])
            switch kinds[0] {
            case "pods": configuration.podRoots += directories(value["pods"], "\(place).pods")
            case "docker": configuration.containerRoots += directories(value["docker"], "\(place).docker").map { (.docker, $0) }
            case "podman": configuration.containerRoots += directories(value["podman"], "\(place).podman").map { (.podman, $0) }
            case "kernel":
                guard let isRead = value["kernel"].bool else { return fail("\(place).kernel", "is \(value["kernel"]); write true or false") }
                configuration.readsKernel = isRead
            case "journal":
                let journal = value["journal"]
                guard journal.object != nil || journal.bool != nil else {
                    return fail("\(place).journal", "is \(journal); write true, or {units: [ssh.service]}")
                }
                guard journal.bool != false else { return }
                for (key, _) in journal.members where key != "units" && key != "directory" {
                    fail("\(place).journal.\(key)", "is no key of the journal; there are units and directory")
                }
                var options = JournalOptions()
                options.units = texts(value["journal"]["units"], "\(place).journal.units")
                options.directory = value["journal"]["directory"].string
                options.labels = map(value["labels"], "\(place).labels")
                configuration.journal = options
            default: files(value, place)
            }
        }

        private mutating func files(_ value: JSON, _ place: String) {
            var options = GlobFiles.Options(paths: texts(value["files"], "\(place).files"))
            for path in options.paths where !path.hasPrefix("/") { fail("\(place).files", "\(path) must begin with /") }
            options.exclude = texts(value["exclude"], "\(place).exclude")
            options.labels = Labels(map(value["labels"], "\(place).labels"))
            options.linksWithin = texts(value["links_within"], "\(place).links_within")
            // Lines without a runtime's stamp are dated by their own.
            options.settings["time"] = "line"
            for (key, setting) in value.members {
                switch key {
                case "files", "exclude", "labels", "links_within": break
                case "start":
                    guard setting == "end" || setting == "beginning" else { fail("\(place).start", "is \(setting); write beginning or end"); continue }
                    options.startsAtEnd = setting == "end"
                case "ignore_older":
                    guard let seconds = setting.string.flatMap(Self.seconds) else {
                        fail("\(place).ignore_older", "is \(setting), which is no duration; write 24h or 7d")
                        continue
                    }
                    options.ignoreOlder = Int64(seconds * 1e9)
                case "form":
                    switch setting.string {
                    case "cri": options.form = .cri
                    case "docker": options.form = .docker
                    case "plain": options.form = .plain
                    default: fail("\(place).form", "is \(setting); write plain, cri or docker")
                    }
                case "multiline", "parser", "timezone", "time", "redact", "sample", "rate":
                    options.settings[key] = setting.string ?? "\(setting)"
                    check(key, options.settings[key] ?? "", "\(place).\(key)")
                default: fail("\(place).\(key)", "is no key of a source of files")
                }
            }
            if options.form != .plain, value["time"].isNull { options.settings["time"] = nil }
            configuration.files.append(options)
        }

        private mutating func check(_ key: String, _ value: String, _ place: String) {
            var options = StreamOptions()
            var kinds: [SecretKind] = []
            do throws(SettingError) { try configuration.apply(key, value, &options, &kinds) } catch { fail(place, "\(error)") }
        }

        static func seconds(_ text: String) -> Double? {
            let units: [Character: Double] = ["s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800]
            guard let last = text.last, let unit = units[last], let number = Double(text.dropLast()), number >= 0, number.isFinite else { return nil }
            return number * unit
        }

        // MARK: Rules

        private mutating func scoped(_ value: JSON, _ place: String, match: [String: String]) {
            var rule = LogTailConfiguration.ScopedRule(match: match.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })
            let name = value["name"].string ?? place
            for (key, setting) in value.members {
                let text = setting.string ?? "\(setting)"
                switch key {
                case "name", "match", "by", "burst": break
                case "drop", "keep":
                    do throws(SettingError) {
                        let pattern = try LogTailConfiguration.pattern(text, key)
                        rule.rules.append(FilterRule(name: name, action: key == "drop" ? .drop(pattern) : .keep(pattern)))
                    } catch { fail("\(place).\(key)", "\(error)") }
                case "sample":
                    let count = UInt64(text.hasPrefix("1/") ? String(text.dropFirst(2)) : text) ?? 0
                    var pattern: Pattern?
                    if let by = value["by"].string {
                        do throws(SettingError) { pattern = try LogTailConfiguration.pattern(by, "by") } catch { fail("\(place).by", "\(error)") }
                    }
                    guard count > 0 else { fail("\(place).sample", "is \(text); write 1/10 to keep one line of ten"); continue }
                    rule.rules.append(FilterRule(name: name, action: .sample(oneOf: count, by: pattern)))
                case "rate":
                    let rate = Double(text) ?? 0
                    guard rate > 0, rate.isFinite else { fail("\(place).rate", "is \(text); write how many lines a second are kept"); continue }
                    rule.rules.append(FilterRule(name: name, action: .rate(perSecond: rate, burst: value["burst"].double ?? max(1, rate))))
                case "redact":
                    for item in setting.array ?? [setting] {
                        if let word = item.string {
                            rule.settings["redact"] = (rule.settings["redact"].map { "\($0)," } ?? "") + word
                            check("redact", word, "\(place).redact")
                        } else {
                            redaction(item, place, &rule)
                        }
                    }
                default:
                    guard Self.settings.contains(key) else { fail("\(place).\(key)", "is no key of a rule"); continue }
                    rule.settings[key] = text
                    check(key, text, "\(place).\(key)")
                }
            }
            configuration.scoped.append(rule)
        }

        private mutating func redaction(_ item: JSON, _ place: String, _ rule: inout LogTailConfiguration.ScopedRule) {
            guard let kind = item["name"].string, let text = item["pattern"].string else {
                return fail("\(place).redact", "an own kind of secret needs `name` and `pattern`")
            }
            do throws(SettingError) {
                rule.custom.append(.init(name: kind, pattern: try LogTailConfiguration.pattern(text, "pattern")))
            } catch { fail("\(place).redact", "\(error)") }
        }

        private mutating func spool(_ value: JSON) {
            for (key, setting) in value.members {
                switch key {
                case "max_bytes":
                    guard let bytes = setting.int, bytes >= 1 << 20 else {
                        fail("spool.max_bytes", "is \(setting); write a number of bytes, at least 1048576"); continue
                    }
                    configuration.spool.maximumBytes = Int64(bytes)
                case "when_full":
                    guard let policy = setting.string.flatMap(SpoolOptions.WhenFull.init) else {
                        fail("spool.when_full", "is \(setting); write \(SpoolOptions.WhenFull.allCases.map(\.rawValue).joined(separator: ", "))")
                        continue
                    }
                    configuration.spool.whenFull = policy
                default: fail("spool.\(key)", "is no key of the spool; there are max_bytes and when_full")
                }
            }
        }
    }
}
