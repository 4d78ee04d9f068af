import JSON

/// Reads YAML as JSON values.
///
/// Bounded against texts made to hurt: nesting, and what aliases expand to. Keys are kept as they are written; keys that
/// come twice are refused, since one of the two values would be lost in silence.
public struct YAMLParser {
    /// Deeper documents are refused: recursion must not exhaust the stack.
    public static let maximumDepth = 200
    /// How many values all aliases of a text may stand for.
    public static let maximumExpandedValues = 100_000

    /// The documents of a text. Empty ones (between two `---`, or only comments) are left out.
    /// - Parameter file: what errors call the text.
    public static func documents(_ bytes: [UInt8], file: String = "") throws(YAMLError) -> [JSON] {
        var parser = YAMLParser(bytes, file: file)
        return try parser.all()
    }

    private struct Anchored {
        var value: JSON
        /// Values in it, itself included.
        var size: Int
    }

    private let events: EventReader
    private let file: String
    private var anchors: [String: Anchored] = [:]
    private var expanded = 0
    /// Values read so far; the difference over a subtree is its size.
    private var count = 0

    private init(_ bytes: [UInt8], file: String) {
        events = EventReader(bytes, file: file)
        self.file = file
    }

    private mutating func all() throws(YAMLError) -> [JSON] {
        var documents: [JSON] = []
        while true {
            let event = try events.next()
            switch event.kind {
            case .streamEnd: return documents
            case .documentStart:
                anchors.removeAll(keepingCapacity: true)
                let root = try events.next()
                if case .scalar("", isPlain: true) = root.kind, root.tag.isEmpty { continue }
                documents.append(try value(root, depth: 0))
            default: continue
            }
        }
    }

    private mutating func value(_ event: Event, depth: Int) throws(YAMLError) -> JSON {
        guard depth <= Self.maximumDepth else { throw problem(event, "nested deeper than \(Self.maximumDepth) levels") }
        let before = count
        count += 1
        let value: JSON
        switch event.kind {
        case .alias(let name): return try alias(name, event)
        case .scalar(let text, let isPlain): value = try scalar(text, isPlain: isPlain, event)
        case .sequenceStart: value = .array(try sequence(depth: depth))
        case .mappingStart: value = .object(try mapping(depth: depth))
        default: throw problem(event, "expected a value")
        }
        if !event.anchor.isEmpty { anchors[event.anchor] = Anchored(value: value, size: count - before) }
        return value
    }

    private mutating func alias(_ name: String, _ event: Event) throws(YAMLError) -> JSON {
        guard let anchored = anchors[name] else {
            throw problem(event, "*\(name) refers to no anchor above it", "write &\(name) before the value that is meant, or quote the text")
        }
        expanded += anchored.size
        count += anchored.size
        guard expanded <= Self.maximumExpandedValues else {
            throw problem(event, "the aliases stand for more than \(Self.maximumExpandedValues) values", "write the values out or split the file")
        }
        return anchored.value
    }

    private mutating func sequence(depth: Int) throws(YAMLError) -> [JSON] {
        var elements: [JSON] = []
        while true {
            let event = try events.next()
            if case .sequenceEnd = event.kind { return elements }
            elements.append(try value(event, depth: depth + 1))
        }
    }

    private mutating func mapping(depth: Int) throws(YAMLError) -> JSONObject {
        var members = JSONObject()
        var merged: [JSONObject] = []
        while true {
            let event = try events.next()
            if case .mappingEnd = event.kind { break }
            let key: String
            var isMerge = false
            switch event.kind {
            case .scalar(let text, let isPlain):
                key = text
                isMerge = isPlain && text == "<<" && event.tag.isEmpty
            case .alias(let name):
                guard let text = try alias(name, event).string else { throw problem(event, "a key must be a text, and *\(name) is none") }
                key = text
            default: throw problem(event, "a key must be a text, not a list or a mapping", "put text that starts with { or [ in quotes")
            }
            let valueEvent = try events.next()
            let value = try value(valueEvent, depth: depth + 1)
            if isMerge {
                merged += try mergeSources(value, valueEvent)
            } else {
                guard !members.contains(key) else { throw problem(event, "key \"\(key)\" comes twice in one mapping", "remove one of the two") }
                if !event.anchor.isEmpty { anchors[event.anchor] = Anchored(value: .string(key), size: 1) }
                members[key] = value
            }
        }
        // What stands here wins over what is merged in, earlier sources over later ones.
        for source in merged {
            for (key, value) in source where !members.contains(key) { members[key] = value }
        }
        return members
    }

    private func mergeSources(_ value: JSON, _ event: Event) throws(YAMLError) -> [JSONObject] {
        switch value {
        case .object(let source): return [source]
        case .array(let elements):
            var sources: [JSONObject] = []
            for element in elements {
                guard case .object(let source) = element else { throw problem(event, "<< takes mappings, and one of these is \(element.typeName)") }
                sources.append(source)
            }
            return sources
        default: throw problem(event, "<< takes a mapping or a list of them, not \(value.typeName)")
        }
    }

    private func scalar(_ text: String, isPlain: Bool, _ event: Event) throws(YAMLError) -> JSON {
        switch event.tag {
        case "": if !isPlain { return .string(text) }
        case "!", "tag:yaml.org,2002:str", "tag:yaml.org,2002:binary", "tag:yaml.org,2002:timestamp": return .string(text)
        case "tag:yaml.org,2002:null": return .null
        case "tag:yaml.org,2002:int", "tag:yaml.org,2002:float", "tag:yaml.org,2002:bool": break
        default: throw problem(event, "tag \(event.tag) is not known here", "remove the tag, or put a value that starts with \"!\" in quotes")
        }
        guard let value = Scalar.resolve(text) else {
            throw problem(event, "\(text) is no number that JSON can hold", "put it in quotes if it is a text")
        }
        return value
    }

    private func problem(_ event: Event, _ problem: String, _ remedy: String = "") -> YAMLError {
        YAMLError(file: file, line: event.mark.line, column: event.mark.column, problem: problem, remedy: remedy)
    }
}
