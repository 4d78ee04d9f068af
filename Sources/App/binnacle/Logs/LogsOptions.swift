import ArgumentParser
import Pattern
import Terminal

/// Whose lines, and of which time.
struct LogsSelectionOptions: ParsableArguments {
    @Option(name: [.short, .long], help: "Only this namespace; repeatable.") var namespace: [String] = []
    @Option(help: ArgumentHelp("Only pods whose name matches (a regular expression).", valueName: "regexp")) var pod: String?
    @Option(help: ArgumentHelp("Not the pods whose name matches.", valueName: "regexp")) var excludePod: [String] = []
    @Option(name: [.short, .long], help: "Only this container; repeatable.") var container: [String] = []
    @Option(help: ArgumentHelp("Not the containers whose name matches.", valueName: "regexp")) var excludeContainer: [String] = []
    @Option(name: [.customShort("l"), .long], help: ArgumentHelp("Only streams with these labels, as in kubectl: app=web,tier!=test.", valueName: "labels"))
    var selector: [String] = []
    @Option(help: "Only this node.") var node: [String] = []
    @Flag(help: "All namespaces, which is what is searched without -n.") var allNamespaces = false
    @Flag(name: [.customShort("p"), .long], help: "The run of the container before its present one.") var previous = false
    @Option(name: [.short, .long], help: ArgumentHelp("From when: 10m, \"2h ago\", yesterday, 14:30, or a time.", valueName: "time")) var since: String?
    @Option(name: [.short, .long], help: ArgumentHelp("Until when.", valueName: "time")) var until: String?
    @Option(help: ArgumentHelp("Around a time: 14:30 or 14:30±5m.", valueName: "time")) var around: String?
    @Option(help: ArgumentHelp("Search the log store in this data directory instead of asking a server.", valueName: "directory")) var dataDir: String?

    var sinceText: String { since ?? around ?? "1h" }
}

/// Which lines.
struct LogsFilterOptions: ParsableArguments {
    @Option(name: [.customShort("e"), .customLong("regexp")], help: ArgumentHelp("Lines that match; of several any.", valueName: "regexp"))
    var expressions: [String] = []
    @Option(name: [.customShort("F"), .customLong("fixed")], help: ArgumentHelp("Lines with the text; of several any.", valueName: "text"))
    var fixed: [String] = []
    @Option(name: [.customShort("E"), .customLong("exclude")], help: ArgumentHelp("Leave out lines that contain the text.", valueName: "text"))
    var exclusions: [String] = []
    @Flag(name: [.customShort("i"), .long], help: "Ignore case.") var ignoreCase = false
    @Flag(name: [.customShort("w"), .customLong("word")], help: "What -e and -F look for stands as words of their own.") var isWord = false
    @Flag(name: [.customShort("v"), .customLong("invert")], help: "Lines that -e and -F do not match.") var inverts = false
    @Option(name: [.customShort("H"), .long], help: ArgumentHelp("Let a text stand out without asking for it.", valueName: "text")) var highlight: [String] = []
    @Option(help: ArgumentHelp("Only lines of this severity or worse: debug, info, warn, error.", valueName: "level")) var level: String?
    @Option(name: [.customShort("q"), .long], help: ArgumentHelp("A query in LogQL, for lines or for numbers.", valueName: "logql")) var query: String?
    @Option(name: [.customShort("C"), .customLong("context")], help: ArgumentHelp("Lines around each match.", valueName: "n")) var context: Int = 0
    @Option(name: [.customShort("B"), .customLong("before")], help: ArgumentHelp("Lines before each match.", valueName: "n")) var before: Int?
    @Option(name: [.customShort("A"), .customLong("after")], help: ArgumentHelp("Lines after each match.", valueName: "n")) var after: Int?

    /// Refuses what is no expression by the flag's own text, before it is joined with others.
    func check() throws {
        for text in expressions {
            do throws(PatternError) {
                _ = try Pattern(text)
            } catch {
                throw CommandFailure(
                    message: "-e \"\(text)\" is no regular expression: \(error.message) (at byte \(error.offset))",
                    hint: "RE2's syntax is meant; -F looks for a text as it is", exitCode: 2)
            }
        }
    }

    /// -e and -F as one expression; nil without them.
    var expression: String? {
        let parts = expressions.map { "(?:\($0))" } + fixed.map { Self.quoted($0) }
        guard !parts.isEmpty else { return nil }
        let all = parts.joined(separator: "|")
        return isWord ? "\\b(?:\(all))\\b" : all
    }

    private static func quoted(_ text: String) -> String { String(text.flatMap { "\\.+*?()|[]{}^$".contains($0) ? ["\\", $0] : [$0] }) }

    func needles(_ targets: LogsTargets) -> [String] { targets.words + (inverts ? [] : fixed) + highlight }
}

/// How lines are shown.
struct LogsPrintOptions: ParsableArguments {
    @Option(name: .shortAndLong, help: ArgumentHelp("How to print: \(LogFormat.names.joined(separator: ", ")).", valueName: "format"))
    var output: String = "default"
    @Option(help: ArgumentHelp("Columns of csv, tsv and logfmt, separated by commas.", valueName: "names")) var fields: String?
    @Flag(help: "The lines without time, pod and container.") var noPrefix = false
    @Flag(help: "Times of this machine's zone instead of UTC.") var localTime = false
    @Option(help: "Colours.") var color: ColorChoice = .auto
    @Flag(help: "Print what the search cost to standard error.") var stats = false
    @Flag(help: "Print to the terminal at once, not page by page (BINNACLE_PAGER, PAGER).") var noPager = false

    var isJSON: Bool { output == "json" || output == "jsonl" }

    func writer(needles: [String], ignoresCase: Bool) throws -> LogLineWriter {
        guard let format = LogFormat(output) else {
            throw CommandFailure(message: "--output is \"\(output)\", which is no format", hint: "use \(LogFormat.names.joined(separator: ", "))", exitCode: 2)
        }
        var writer = LogLineWriter(format: format, palette: Output.palette(color), escapes: Output.isTerminal || format == .standard || format == .short)
        writer.showsPrefix = !noPrefix
        writer.zone = localTime ? LocalZone.offset : nil
        writer.needles = needles
        writer.ignoresCase = ignoresCase
        if let fields { writer.columns = fields.split(separator: ",").map { $0.filter { $0 != " " } } }
        // Another program reads what a person would: bytes as they are, unless colours say that a person looks after all.
        if !Output.isTerminal, !writer.palette.isOn { writer.escapes = false }
        return writer
    }
}
