/// Where in a YAML text each key and each element of a list is, for messages about what they hold.
public struct YAMLPlaces: Sendable {
    /// Lines, from 1, by path: `sources[0].files[1]`.
    private var lines: [String: Int] = [:]
    /// More are not remembered: messages are for files that people write.
    private static let maximumPlaces = 100_000

    /// Of the text's first document; as far as it can be read.
    public init(_ bytes: [UInt8]) {
        let events = EventReader(bytes, file: "")
        while let event = try? events.next() {
            switch event.kind {
            case .streamEnd: return
            case .streamStart, .documentStart: continue
            default:
                walk(event, "", events, depth: 0)
                return
            }
        }
    }

    /// The line of a path, or of what it is in: 1 if nothing of it is known.
    public func line(of path: String) -> Int {
        var rest = path[...]
        while !rest.isEmpty {
            if let line = lines[String(rest)] { return line }
            rest = rest[..<(rest.lastIndex { $0 == "." || $0 == "[" } ?? rest.startIndex)]
        }
        return 1
    }

    private mutating func walk(_ event: Event, _ path: String, _ events: EventReader, depth: Int) {
        guard depth <= YAMLParser.maximumDepth, lines.count < Self.maximumPlaces else { return }
        switch event.kind {
        case .sequenceStart:
            var index = 0
            while let element = try? events.next() {
                if case .sequenceEnd = element.kind { return }
                let place = "\(path)[\(index)]"
                lines[place] = element.mark.line
                walk(element, place, events, depth: depth + 1)
                index += 1
            }
        case .mappingStart:
            while let key = try? events.next() {
                guard case .scalar(let name, _) = key.kind else { return }
                let place = path.isEmpty ? name : "\(path).\(name)"
                lines[place] = key.mark.line
                guard let value = try? events.next() else { return }
                walk(value, place, events, depth: depth + 1)
            }
        default: break
        }
    }
}
