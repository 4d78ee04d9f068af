public import LogParsing
import Pattern
public import Runtime
import Telemetry

/// What is followed besides this program's own pods, and what is done with lines. Read from a file by `ConfigurationReader`.
public struct LogTailConfiguration: Sendable {
    /// A rule and the streams that it is for.
    struct ScopedRule: Sendable {
        /// Label and glob; all must fit.
        var match: [(label: String, glob: String)]
        /// Settings as annotations have them, except for `rules`.
        var settings: [String: String] = [:]
        var rules: [FilterRule] = []
        var custom: [Redactor.Custom] = []

        func fits(_ labels: Labels) -> Bool { match.allSatisfy { Glob.matches($0.glob, labels[$0.label]) } }
    }

    public static let annotationPrefix = "logs.binnacle.dev/"

    var scoped: [ScopedRule] = []
    var files: [GlobFiles.Options] = []
    var podRoots: [String] = []
    var containerRoots: [(runtime: ContainerDirectories.Runtime, root: String)] = []
    /// Grok names of the user's own.
    var patterns: [String: String] = [:]
    public var journal: JournalOptions?
    /// The kernel's messages, /dev/kmsg.
    public var readsKernel = false
    public var spool = SpoolOptions()
    /// Reads a zone's file below /usr/share/zoneinfo.
    public var readZone: @Sendable (String) -> [UInt8]? = { _ in nil }
    /// The zone of stamps that tell none, if nobody says another.
    public var zone = ZoneRules.utc
    /// The key of the marks that stand for secrets.
    public var redactionKey: [UInt8] = []

    public init() {}

    /// Of annotations or labels those that are for logs, without their prefix.
    public static func settings(_ annotations: [String: String]) -> [String: String] {
        var settings: [String: String] = [:]
        for (name, value) in annotations where name.hasPrefix(annotationPrefix) { settings[String(name.dropFirst(annotationPrefix.count))] = value }
        return settings
    }

    /// What is there on most machines: other kubelets' pods, Docker, Podman, and the journal, or the kernel where there is no journal.
    /// - Parameter root: put before the paths, where the host's files are mounted elsewhere.
    public static func standard(root: String = "", fileSystem: any FileSystem = HostFileSystem()) -> LogTailConfiguration {
        var configuration = LogTailConfiguration()
        configuration.podRoots = [root + "/var/log/pods"]
        configuration.containerRoots = [
            (.docker, root + "/var/lib/docker/containers"), (.podman, root + "/var/lib/containers/storage/overlay-containers"),
        ]
        let journals = [root + "/var/log/journal", root + "/run/log/journal"].filter { !((try? fileSystem.list($0)) ?? []).isEmpty }
        if let journal = journals.first {
            configuration.journal = JournalOptions()
            if !root.isEmpty { configuration.journal?.directory = journal }
        } else {
            configuration.readsKernel = true
        }
        return configuration
    }

    /// What is followed, in a few words for a person.
    public var summary: [String] {
        podRoots + containerRoots.map { $0.root } + files.flatMap(\.paths) + (journal == nil ? [] : ["the journal"]) + (readsKernel ? ["the kernel"] : [])
    }

    func finders(startsAtEnd: Bool) -> [any SourceFinder] {
        podRoots.map { PodDirectories(root: $0, startsAtEnd: startsAtEnd) as any SourceFinder }
            + containerRoots.map { ContainerDirectories($0.runtime, root: $0.root, startsAtEnd: startsAtEnd) }
            + files.map { GlobFiles($0) }
    }

    /// What holds for a stream: the file's rules in their order, then its own annotations, which win. A setting that cannot be
    /// understood is passed over and counted; a file's were checked when it was read.
    func options(labels: Labels, annotations: [String: String]) -> (options: StreamOptions, problems: Int) {
        var settings: [String: String] = [:]
        var rules: [FilterRule] = []
        var custom: [Redactor.Custom] = []
        for rule in scoped where rule.fits(labels) {
            settings.merge(rule.settings) { $1 }
            rules += rule.rules
            custom += rule.custom
        }
        settings.merge(annotations) { $1 }
        var options = StreamOptions()
        options.zone = zone
        options.rules = rules
        var problems = 0
        var kinds: [SecretKind] = []
        for (name, value) in settings.sorted(by: { $0.key < $1.key }) {
            do throws(SettingError) { try apply(name, value, &options, &kinds) } catch { problems += 1 }
        }
        if !kinds.isEmpty || !custom.isEmpty { options.redactor = Redactor(kinds: kinds, custom: custom, key: redactionKey) }
        return (options, problems)
    }

    /// Puts one setting over the options, by the name that annotations and the file share.
    func apply(_ name: String, _ value: String, _ options: inout StreamOptions, _ kinds: inout [SecretKind]) throws(SettingError) {
        switch name {
        case "multiline":
            do { options.multiline = try MultilineRule(value) } catch { throw SettingError("\(error)") }
        case "parser":
            if value == "auto" { return options.form = nil }
            if value.contains("%{") || value.contains("(?") {
                do { options.custom = try CustomForm(value, definitions: patterns) } catch { throw SettingError("parser is no expression: \(error)") }
                return
            }
            guard let form = LineForm(rawValue: value) else {
                let names = LineForm.allCases.map(\.rawValue).joined(separator: ", ")
                throw SettingError("parser is \"\(value)\"; write auto, one of \(names), or an expression with named groups")
            }
            options.form = form
        case "timezone":
            guard let zone = ZoneRules(named: value, read: readZone) else {
                throw SettingError("timezone is \"\(value)\", which is no zone of this machine; write a name such as Europe/Berlin")
            }
            options.zone = zone
        case "time":
            guard value == "line" || value == "runtime" else { throw SettingError("time is \"\(value)\"; write line or runtime") }
            options.time = value == "line" ? .line : .runtime
        case "exclude":
            guard value == "true" || value == "false" else {
                // An expression: lines that match are left out.
                options.rules.append(FilterRule(name: "exclude", action: .drop(try Self.pattern(value, "exclude"))))
                return
            }
            options.isExcluded = value == "true"
        case "redact":
            for word in value.split(whereSeparator: { $0 == "," || $0 == " " }).map(String.init) {
                if word == "all" {
                    kinds = SecretKind.allCases
                } else if word == "none" {
                    kinds = []
                } else if let kind = SecretKind(rawValue: word) {
                    if !kinds.contains(kind) { kinds.append(kind) }
                } else {
                    throw SettingError("redact names \"\(word)\"; write all, none, or some of \(SecretKind.allCases.map(\.rawValue).joined(separator: ", "))")
                }
            }
        case "sample":
            guard let count = UInt64(value.hasPrefix("1/") ? String(value.dropFirst(2)) : value), count >= 1 else {
                throw SettingError("sample is \"\(value)\"; write 1/10 to keep one line of ten")
            }
            options.rules.append(FilterRule(name: "sample", action: .sample(oneOf: count, by: nil)))
        case "rate":
            guard let rate = Double(value), rate > 0, rate.isFinite else { throw SettingError("rate is \"\(value)\"; write how many lines a second are kept") }
            options.rules.append(FilterRule(name: "rate", action: .rate(perSecond: rate, burst: max(rate, 1))))
        default:
            throw SettingError(
                "\"\(name)\" is no setting of logs; there are multiline, parser, timezone, time, exclude, redact, sample and rate")
        }
    }

    static func pattern(_ text: String, _ name: String) throws(SettingError) -> Pattern {
        do { return try Pattern(text) } catch { throw SettingError("\(name) is no regular expression: \(error)") }
    }
}

/// Why a setting is refused, in words for who wrote it.
struct SettingError: Error, Hashable, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
}
