/// What a column of texts is made of, without the columns' bytes: the tree that stands at the head of a chunk's text.
indirect enum TextNode: Sendable {
    case constant(ColumnReference)
    case dictionary(count: Int, lengths: ColumnReference, bytes: ColumnReference, ids: ColumnReference)
    case templates([TextTemplate], numbers: ColumnReference, others: TextNode)
    case plain(lengths: ColumnReference, bytes: ColumnReference)
    case number(ColumnReference)
    case padded(width: Int, ColumnReference)
    case hex(TextForm, width: Int, lengths: ColumnReference?, packed: ColumnReference)
    case address(listCount: Int, list: ColumnReference?, numbers: ColumnReference)
    case time(TimeForm, isRelative: Bool, ColumnReference)
}

/// Literals with gaps between them.
struct TextTemplate: Sendable {
    /// One more than there are gaps.
    var literals: [[UInt8]]
    var kinds: [SlotKind]
    var gaps: [TextNode] = []

    /// The bytes of all literals.
    var literalBytes: Int { literals.reduce(0) { $0 + $1.count } }
}

/// Reads the tree. References are given out in the order in which the writer made them.
struct TextNodeReader {
    private var reader: ByteReader
    private let smallBytes: Int
    private var smallOffset = 0
    private(set) var segments = 0
    private static let maximumDepth = 8
    private static let maximumTemplates = 1 << 16
    private static let maximumGaps = 1 << 16

    init(_ tree: [UInt8], smallBytes: Int) {
        reader = ByteReader(tree)
        self.smallBytes = smallBytes
    }

    mutating func root() throws(CodingError) -> TextNode {
        let node = try node(depth: 0)
        guard reader.isAtEnd, smallOffset == smallBytes else { throw CodingError("the tree of a text does not fit its columns") }
        return node
    }

    private mutating func reference() throws(CodingError) -> ColumnReference {
        let code = try reader.count(upTo: Int(Int32.max))
        let count = code >> 1
        if code & 1 == 1 {
            segments += 1
            return .segment(number: segments - 1, count: count)
        }
        guard count <= smallBytes - smallOffset else { throw CodingError("a small column ends too late") }
        smallOffset += count
        return .small(smallOffset - count..<smallOffset)
    }

    private mutating func node(depth: Int) throws(CodingError) -> TextNode {
        guard depth < Self.maximumDepth else { throw CodingError("the tree of a text is too deep") }
        let code = try reader.byte()
        guard let form = TextForm(rawValue: code) else { throw CodingError("text form \(code) is unknown") }
        switch form {
        case .constant: return .constant(try reference())
        case .dictionary:
            let count = try reader.count(upTo: LogColumns.maximumRows)
            return .dictionary(count: count, lengths: try reference(), bytes: try reference(), ids: try reference())
        case .plain: return .plain(lengths: try reference(), bytes: try reference())
        case .number: return .number(try reference())
        case .padded: return .padded(width: try reader.count(upTo: 18), try reference())
        case .lowerHex, .upperHex, .uuid:
            let width = try reader.count(upTo: Int(Int32.max))
            return .hex(form, width: width, lengths: width == 0 ? try reference() : nil, packed: try reference())
        case .address:
            guard try reader.byte() == 1 else { return .address(listCount: 0, list: nil, numbers: try reference()) }
            let count = try reader.count(upTo: LogColumns.maximumRows)
            return .address(listCount: count, list: try reference(), numbers: try reference())
        case .time, .relativeTime:
            let timeForm = TimeForm(code: try reader.byte())
            guard timeForm.isKnown else { throw CodingError("form \(timeForm.code) of a time is unknown") }
            return .time(timeForm, isRelative: form == .relativeTime, try reference())
        case .templates:
            let count = try reader.count(upTo: Self.maximumTemplates)
            var templates: [TextTemplate] = []
            for _ in 0..<count {
                let gaps = try reader.count(upTo: Self.maximumGaps)
                var template = TextTemplate(literals: [], kinds: [])
                for _ in 0..<gaps {
                    template.literals.append(try reader.take(try reader.count(upTo: Int(Int32.max))))
                    template.kinds.append(SlotKind(code: try reader.byte()))
                }
                template.literals.append(try reader.take(try reader.count(upTo: Int(Int32.max))))
                templates.append(template)
            }
            let numbers = try reference()
            let others = try node(depth: depth + 1)
            for index in templates.indices {
                for _ in templates[index].kinds { templates[index].gaps.append(try node(depth: depth + 1)) }
            }
            return .templates(templates, numbers: numbers, others: others)
        }
    }
}
