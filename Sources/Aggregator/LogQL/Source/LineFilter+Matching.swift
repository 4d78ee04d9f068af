import Pattern

extension LineFilter {
    /// A filter as it was written, made ready. The parser has checked its expressions.
    init(_ condition: LineCondition) throws(LogQLError) {
        var alternatives: [Alternative] = []
        for alternative in condition.alternatives {
            switch (condition.operation, alternative) {
            case (_, .address(let text)):
                guard let range = AddressRange(text) else { throw LogQLError(.syntax, "\"\(text)\" is no address, network or range") }
                alternatives.append(.test { range.isFound(in: $0) })
            case (.contains, .text(let text)), (.lacks, .text(let text)): alternatives.append(.contains(Array(text.utf8), ignoringCase: false))
            case (.containsIgnoringCase, .text(let text)), (.lacksIgnoringCase, .text(let text)):
                alternatives.append(.contains(text.utf8.map(Bytes.lower), ignoringCase: true))
            case (.matches, .text(let text)), (.notMatches, .text(let text)):
                do throws(PatternError) {
                    // Loki's dot takes a line feed too.
                    alternatives.append(.matches(try Pattern("(?s)" + text)))
                } catch { throw LogQLError(.syntax, "the regular expression \(quoted(text)) is wrong: \(error.message)") }
            case (.fits, .text(let text)), (.notFits, .text(let text)):
                // The empty pattern is met by all lines, as the empty text is.
                guard !text.isEmpty else {
                    alternatives.append(.contains([], ignoringCase: false))
                    continue
                }
                do throws(FieldPatternError) { alternatives.append(try FieldPattern(text, isFilter: true).alternative) } catch {
                    throw LogQLError(.syntax, error.message)
                }
            }
        }
        self.init(alternatives, isNegated: condition.operation.isNegated)
    }

    /// Whether a line passes.
    public func accepts(_ line: Span<UInt8>) -> Bool {
        for alternative in alternatives where alternative.holds(for: line) { return !isNegated }
        return isNegated
    }
}

extension LineFilter.Alternative {
    func holds(for line: Span<UInt8>) -> Bool {
        switch self {
        case .contains(let text, let ignoringCase):
            ignoringCase ? Bytes.firstIgnoringCase(text, in: line) != nil : Bytes.first(text, in: line, from: 0) != nil
        case .matches(let pattern): pattern.matches(line)
        case .test(let test): test(line)
        case .pieces(let pieces, let isOpenAtStart, let isOpenAtEnd): Self.fits(line, pieces[...], isOpenAtStart, isOpenAtEnd)
        }
    }

    /// Each piece at its first place after the one before; one that closes an end must stand there.
    private static func fits(_ line: Span<UInt8>, _ pieces: ArraySlice<[UInt8]>, _ isOpenAtStart: Bool, _ isOpenAtEnd: Bool) -> Bool {
        var pieces = pieces
        var position = 0
        var end = line.count
        guard let first = pieces.first else { return isOpenAtStart || isOpenAtEnd || line.isEmpty }
        if !isOpenAtStart {
            guard Bytes.equal(line, at: 0, first) else { return false }
            position = first.count
            pieces.removeFirst()
            if pieces.isEmpty { return isOpenAtEnd || position == line.count }
        }
        if !isOpenAtEnd, let last = pieces.popLast() {
            end -= last.count
            guard end >= position, Bytes.equal(line, at: end, last) else { return false }
        }
        for piece in pieces {
            guard let place = Bytes.first(piece, in: line, from: position), place + piece.count <= end else { return false }
            position = place + piece.count
        }
        return true
    }
}
