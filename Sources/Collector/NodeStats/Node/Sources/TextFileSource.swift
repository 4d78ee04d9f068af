import Exposition
import Glibc

/// `textfile`: metrics that others left in `*.prom` files of a directory.
///
/// A file is read again when its time of change is another; between, only its directory entry is looked at. A file
/// that is no exposition, has time stamps, or names a metric that the node has itself, is left out whole and counted
/// by `node_textfile_scrape_error`.
final class TextFileSource: NodeSource {
    private static let changed = NodeFamily("node_textfile_mtime_seconds", .gauge, "When a text file was changed last, in Unix seconds.")
    private static let failed = NodeFamily("node_textfile_scrape_error", .gauge, "1 if a text file could not be read or understood.")
    /// Files and bytes that are looked at; the rest is an error.
    static let fileLimit = 1000
    static let byteLimit = 1 << 20

    private struct Known {
        var changed: Int64
        var size: Int64
        var inode: UInt64
        /// Nil if it could not be understood.
        var series: [(NodeSeries, MetricValue)]?
    }

    private let tree: SysTree
    private let directory: String
    private var known: [String: Known] = [:]

    /// `directory` is a path of the machine, not of a recorded tree.
    init(directory: String) {
        tree = SysTree(root: "")
        self.directory = directory
    }

    func collect(_ text: inout KernelText, _ series: inout SeriesRecorder, _ sample: inout NodeSample) throws(NodeReadError) {
        var hasFailed = !tree.exists(directory)
        let names = tree.list(directory).filter { $0.hasSuffix(".prom") }
        if names.count > Self.fileLimit { hasFailed = true }
        var kinds: [String: MetricFamily.Kind] = [:]
        var present: Set<String> = []
        for name in names.prefix(Self.fileLimit) {
            let path = "\(directory)/\(name)"
            present.insert(path)
            guard let file = current(path, name), let values = file.series else {
                hasFailed = true
                continue
            }
            // One name with two meanings is no valid page: the first file wins.
            let own = Dictionary(values.map { ($0.0.family.name, $0.0.family.kind) }) { first, _ in first }
            if own.contains(where: { kinds[$0.key] != nil && kinds[$0.key] != $0.value }) {
                hasFailed = true
                continue
            }
            kinds.merge(own) { first, _ in first }
            for (one, value) in values { series.add(one, value) }
            series.add(Self.changed, .double(Double(file.changed) / 1e9), labels: [("file", path)])
        }
        known = known.filter { present.contains($0.key) }
        series.add(Self.failed, .flag(hasFailed))
    }

    private func current(_ path: String, _ name: String) -> Known? {
        var info = stat()
        guard unsafe stat(path, &info) == 0, info.st_mode & S_IFMT == S_IFREG else { return nil }
        let changed = Int64(info.st_mtim.tv_sec) * 1_000_000_000 + Int64(info.st_mtim.tv_nsec)
        if let file = known[path], file.changed == changed, file.size == Int64(info.st_size), file.inode == UInt64(info.st_ino) { return file }
        var file = Known(changed: changed, size: Int64(info.st_size), inode: UInt64(info.st_ino), series: nil)
        if info.st_size <= Self.byteLimit, let text = tree.text(path) { file.series = TextExposition.parse(text) }
        known[path] = file
        return file
    }
}

/// Reads Prometheus' text format 0.0.4 as far as text files have it.
enum TextExposition {
    /// Nil for what is none, and for a sample with a time stamp.
    static func parse(_ text: String) -> [(NodeSeries, MetricValue)]? {
        var kinds: [String: MetricFamily.Kind] = [:]
        var helps: [String: String] = [:]
        var families: [String: NodeFamily] = [:]
        var all: [(NodeSeries, MetricValue)] = []
        var seen: Set<UInt64> = []
        for line in text.split(separator: "\n") {
            let line = line.drop { $0 == " " || $0 == "\t" }
            if line.isEmpty { continue }
            if line.hasPrefix("#") {
                let words = line.split(separator: " ", maxSplits: 3, omittingEmptySubsequences: true)
                if words.count == 4, words[1] == "TYPE" {
                    guard let kind = MetricFamily.Kind(rawValue: String(words[3].filter { $0 != " " })) else { return nil }
                    kinds[String(words[2])] = kind
                } else if words.count == 4, words[1] == "HELP" {
                    helps[String(words[2])] = unescaped(words[3])
                }
                continue
            }
            guard let sample = Sample(line) else { return nil }
            let (stem, suffix) = split(sample.name, kinds)
            // What the node itself shows is the node's to say.
            if stem.hasPrefix("node_"), NodeCollectorTable.reserves(stem) { return nil }
            let family =
                families[stem]
                ?? NodeFamily(stem, kinds[stem] ?? .untyped, helps[stem] ?? "Metric of a text file.")
            families[stem] = family
            var key = KernelText.key(of: sample.name)
            for label in sample.labels.sorted(by: { $0.name < $1.name }) { key = KernelText.key(of: "\n\(label.name)=\(label.value)", seed: key) }
            guard seen.insert(key).inserted else { return nil }
            all.append((NodeSeries(family: family, key: key, suffix: suffix, labels: sample.labels), .double(sample.value)))
        }
        return all
    }

    /// The family of `x_bucket` is `x` if that is a histogram.
    private static func split(_ name: String, _ kinds: [String: MetricFamily.Kind]) -> (stem: String, suffix: String) {
        for suffix in ["_bucket", "_sum", "_count"] where name.hasSuffix(suffix) {
            let stem = String(name.dropLast(suffix.count))
            if kinds[stem] == .histogram || (kinds[stem] == .summary && suffix != "_bucket") { return (stem, suffix) }
        }
        return (name, "")
    }

    private static func unescaped(_ text: Substring) -> String {
        var plain = ""
        var isEscaped = false
        for character in text {
            if isEscaped {
                plain.append(character == "n" ? "\n" : character)
                isEscaped = false
            } else if character == "\\" {
                isEscaped = true
            } else {
                plain.append(character)
            }
        }
        return plain
    }

    /// `name{label="value",...} 1.5`
    private struct Sample {
        var name: String
        var labels: [NodeSeries.Label] = []
        var value: Double

        init?(_ line: Substring) {
            var rest = line[...]
            guard let name = Sample.name(&rest, allowsColon: true) else { return nil }
            self.name = name
            rest = rest.drop { $0 == " " }
            if rest.first == "{" {
                rest = rest.dropFirst()
                while true {
                    rest = rest.drop { $0 == " " || $0 == "," }
                    if rest.first == "}" { break }
                    guard let label = Sample.name(&rest, allowsColon: false) else { return nil }
                    rest = rest.drop { $0 == " " }
                    guard rest.first == "=" else { return nil }
                    rest = rest.dropFirst().drop { $0 == " " }
                    guard rest.first == "\"" else { return nil }
                    rest = rest.dropFirst()
                    var value = ""
                    while let character = rest.first, character != "\"" {
                        rest = rest.dropFirst()
                        guard character == "\\" else {
                            value.append(character)
                            continue
                        }
                        guard let next = rest.first else { return nil }
                        rest = rest.dropFirst()
                        value.append(next == "n" ? "\n" : next)
                    }
                    guard rest.first == "\"", !labels.contains(where: { $0.name == label }) else { return nil }
                    rest = rest.dropFirst()
                    labels.append((label, value))
                }
                rest = rest.dropFirst()
            }
            let words = rest.split(whereSeparator: { $0 == " " || $0 == "\t" })
            guard words.count == 1, let value = Sample.number(words[0]) else { return nil }
            self.value = value
        }

        private static func name(_ text: inout Substring, allowsColon: Bool) -> String? {
            let name = text.prefix { character in
                character.isASCII && (character.isLetter || character.isNumber || character == "_" || (allowsColon && character == ":"))
            }
            guard let first = name.first, !first.isNumber else { return nil }
            text = text[name.endIndex...]
            return String(name)
        }

        private static func number(_ text: Substring) -> Double? {
            switch text {
            case "+Inf", "Inf": .infinity
            case "-Inf": -.infinity
            case "NaN": .nan
            default: Double(text)
            }
        }
    }
}
