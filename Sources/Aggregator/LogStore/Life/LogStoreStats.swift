import Runtime

/// Where the bytes of a log store's day files are: by table, by kind of column, by template.
public struct LogStoreStats: Sendable, Hashable {
    public struct Share: Sendable, Hashable {
        public var columns = 0
        public var lines = 0
        public var bytes: Int64 = 0
        public init() {}
    }

    public var days = 0
    public var chunks = 0
    public var lines = 0
    /// Of text, with line feeds.
    public var rawBytes: Int64 = 0
    /// Of the files, with what SQLite adds and what is not purged yet.
    public var fileBytes: Int64 = 0
    /// The store's tables.
    public var tables: [String: Share] = [:]
    /// What the columns of lines' texts hold.
    public var kinds: [String: Share] = [:]
    /// By the templates of lines, with marks in place of what varies. Columns below 1 KiB are not counted.
    public var templates: [String: Share] = [:]
    /// What cannot be read and is not counted: which, and why.
    public var unreadable: [String] = []

    /// Distinct templates; further ones are counted together.
    private static let maximumTemplates = 10_000
    private static let others = "(others)"

    /// Reads the day files of a directory, whether or not a process has the store open. What is only in the log is not counted.
    public static func read(_ directory: String, progress: (String) -> Void = { _ in }) throws -> LogStoreStats {
        var stats = LogStoreStats()
        let cache = ChunkCache(directory: directory, maximumBytes: 0, metrics: MetricRegistry())
        for name in try HostFileSystem().list(directory).sorted() {
            guard let day = DayFile.day(named: name) else { continue }
            progress(name)
            stats.days += 1
            for suffix in ["", "-wal"] { stats.fileBytes += (try? HostFileSystem().status("\(directory)/\(name)\(suffix)").size) ?? 0 }
            do { try stats.add(day: day, name, cache) } catch { stats.unreadable.append("\(name): \(error)") }
        }
        return stats
    }

    private mutating func add(day: Int, _ name: String, _ cache: ChunkCache) throws {
        let reader = try cache.reader(day)
        for (table, bytes) in try reader.storedBytes() { tables[table, default: Share()].bytes += bytes }
        for chunk in try reader.living() where chunk.count > 0 {
            let key = ChunkCache.Key(day: day, chunk: chunk.id)
            do {
                if chunk.isDamaged { throw CodingError("its row in the table of chunks is damaged") }
                let opened = try cache.opened(key)
                try add(opened, count: chunk.count)
            } catch {
                // It may have been purged meanwhile.
                if try reader.living().contains(where: { $0.id == chunk.id }) { unreadable.append("\(LogPart.chunk(key, chunk).name): \(error)") }
                continue
            }
            chunks += 1
            lines += chunk.count
            rawBytes += Int64(chunk.rawBytes)
        }
    }

    private mutating func add(_ opened: TextFrame.Opened, count: Int) throws(CodingError) {
        kinds["templates and small columns", default: Share()].bytes += Int64(opened.headBytes)
        guard case .templates(let templates, let numbers, let others) = opened.node else {
            _ = add(opened.node, opened)
            return
        }
        _ = add(numbers, "templates' numbers", opened)
        let members = try opened.loader.members(numbers, count: count, templates: templates.count)
        for (index, template) in templates.enumerated() {
            var bytes: Int64 = 0
            for gap in template.gaps { bytes += add(gap, opened) }
            add(template.text, members[index + 1].count, bytes)
        }
        let rest = add(others, opened)
        add("(without a template)", members[0].count, rest)
    }

    private mutating func add(_ template: String, _ lines: Int, _ bytes: Int64) {
        guard lines > 0 else { return }
        let name = templates[template] == nil && templates.count >= Self.maximumTemplates ? Self.others : template
        templates[name, default: Share()].columns += 1
        templates[name, default: Share()].lines += lines
        templates[name, default: Share()].bytes += bytes
    }

    /// Adds a node's columns; returns their bytes.
    private mutating func add(_ node: TextNode, _ opened: TextFrame.Opened) -> Int64 {
        switch node {
        case .constant(let reference): return add(reference, "constant", opened)
        case .dictionary(_, let lengths, let bytes, let ids):
            let list = add(lengths, "dictionary", opened) + add(bytes, "dictionary", opened)
            return list + add(ids, "numbers of dictionaries", opened)
        case .plain(let lengths, let bytes): return add(lengths, "lengths of texts", opened) + add(bytes, "text", opened)
        case .number(let reference), .padded(_, let reference): return add(reference, "number", opened)
        case .hex(let form, _, let lengths, let packed):
            let kind = form == .uuid ? "uuid" : "hexadecimal"
            var bytes = add(packed, kind, opened)
            if let lengths { bytes += add(lengths, kind, opened) }
            return bytes
        case .address(_, let list, let numbers):
            var bytes = add(numbers, "address", opened)
            if let list { bytes += add(list, "address", opened) }
            return bytes
        case .time(_, _, let reference): return add(reference, "time", opened)
        case .templates(let templates, let numbers, let others):
            var bytes = add(numbers, "templates' numbers", opened) + add(others, opened)
            for template in templates { for gap in template.gaps { bytes += add(gap, opened) } }
            return bytes
        }
    }

    private mutating func add(_ reference: ColumnReference, _ kind: String, _ opened: TextFrame.Opened) -> Int64 {
        guard case .segment(let number, _) = reference, opened.places.indices.contains(number) else { return 0 }
        let bytes = Int64(opened.places[number].count)
        kinds[kind, default: Share()].columns += 1
        kinds[kind, default: Share()].bytes += bytes
        return bytes
    }
}

extension TextTemplate {
    /// For people: the literals, and marks for the gaps.
    var text: String {
        var bytes = literals[0]
        for (index, kind) in kinds.enumerated() {
            bytes += Array(kind.mark.utf8)
            bytes += literals[index + 1]
        }
        return String(decoding: bytes.prefix(512), as: UTF8.self)
    }
}

extension SlotKind {
    var mark: String {
        switch self {
        case .number: "<n>"
        case .lowerHex, .upperHex: "<hex>"
        case .uuid: "<uuid>"
        case .address: "<ip>"
        default: timeForm == nil ? "<text>" : "<time>"
        }
    }
}
