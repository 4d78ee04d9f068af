/// A set of Unicode scalar values as sorted ranges that neither touch nor overlap.
package struct ScalarSet: Sendable, Hashable {
    package private(set) var ranges: [ClosedRange<UInt32>]

    package static let limit: UInt32 = 0x10FFFF
    package static let any = ScalarSet([0...limit])
    package static let anyButNewline = ScalarSet([0...9, 11...limit])
    static let digits = ScalarSet([48...57])
    static let word = ScalarSet([48...57, 65...90, 95...95, 97...122])
    /// RE2's `\s`: no vertical tab.
    static let space = ScalarSet([9...10, 12...13, 32...32])

    package init(_ ranges: [ClosedRange<UInt32>]) {
        var merged: [ClosedRange<UInt32>] = []
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let last = merged.last, range.lowerBound <= last.upperBound &+ 1 {
                merged[merged.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
            } else {
                merged.append(range)
            }
        }
        self.ranges = merged
    }

    package init(_ scalar: UInt32) { ranges = [scalar...scalar] }

    /// The only member, if there is just one.
    package var single: UInt32? {
        ranges.count == 1 && ranges[0].lowerBound == ranges[0].upperBound ? ranges[0].lowerBound : nil
    }

    package func contains(_ scalar: UInt32) -> Bool { ranges.contains { $0.contains(scalar) } }

    package func union(_ other: ScalarSet) -> ScalarSet { ScalarSet(ranges + other.ranges) }

    package var inverted: ScalarSet {
        var result: [ClosedRange<UInt32>] = []
        var next: UInt32 = 0
        for range in ranges {
            if range.lowerBound > next { result.append(next...(range.lowerBound - 1)) }
            next = range.upperBound + 1
        }
        if next <= ScalarSet.limit { result.append(next...ScalarSet.limit) }
        return ScalarSet(result)
    }

    /// The set with the other case of each member added.
    package var foldingCase: ScalarSet {
        var added = ranges
        for range in ranges {
            if let part = overlap(range, 65...90) { added.append((part.lowerBound + 32)...(part.upperBound + 32)) }
            if let part = overlap(range, 97...122) { added.append((part.lowerBound - 32)...(part.upperBound - 32)) }
            // The long s and the kelvin sign fold to ASCII letters.
            if range.contains(115) || range.contains(83) { added.append(0x17F...0x17F) }
            if range.contains(107) || range.contains(75) { added.append(0x212A...0x212A) }
            guard let wide = overlap(range, 0x80...CaseFolding.limit) else { continue }
            for scalar in wide { for other in CaseFolding.table[scalar] ?? [] { added.append(other...other) } }
        }
        return ScalarSet(added)
    }

    private func overlap(_ a: ClosedRange<UInt32>, _ b: ClosedRange<UInt32>) -> ClosedRange<UInt32>? {
        let low = max(a.lowerBound, b.lowerBound), high = min(a.upperBound, b.upperBound)
        return low <= high ? low...high : nil
    }

    /// The scalars of a Unicode general category (`L`, `Lu`, `Nd`); nil if there is no such category.
    static func category(_ name: String) -> ScalarSet? {
        guard let wanted = CaseFolding.categories[name] else { return nil }
        var ranges: [ClosedRange<UInt32>] = []
        var start: UInt32?
        for value in 0...(limit + 1) {
            let isMember = Unicode.Scalar(value).map { wanted.contains($0.properties.generalCategory) } ?? false
            if isMember, start == nil { start = value }
            if !isMember, let first = start {
                ranges.append(first...(value - 1))
                start = nil
            }
        }
        return ScalarSet(ranges)
    }
}

/// Tables from the standard library's Unicode data, made when an expression first needs them.
enum CaseFolding {
    /// Latin, Greek, Cyrillic, Armenian, Georgian and the letter-like symbols lie below.
    static let limit: UInt32 = 0x24FF

    /// The other cases of each scalar up to `limit`.
    static let table: [UInt32: [UInt32]] = {
        var table: [UInt32: [UInt32]] = [:]
        for value in 0x80...limit {
            guard let scalar = Unicode.Scalar(value) else { continue }
            for mapping in [scalar.properties.lowercaseMapping, scalar.properties.uppercaseMapping] {
                guard mapping.unicodeScalars.count == 1, let other = mapping.unicodeScalars.first?.value, other != value else { continue }
                table[value, default: []].append(other)
                table[other, default: []].append(value)
            }
        }
        return table
    }()

    static let categories: [String: [Unicode.GeneralCategory]] = [
        "Lu": [.uppercaseLetter], "Ll": [.lowercaseLetter], "Lt": [.titlecaseLetter], "Lm": [.modifierLetter], "Lo": [.otherLetter],
        "L": [.uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter],
        "Mn": [.nonspacingMark], "Mc": [.spacingMark], "Me": [.enclosingMark], "M": [.nonspacingMark, .spacingMark, .enclosingMark],
        "Nd": [.decimalNumber], "Nl": [.letterNumber], "No": [.otherNumber], "N": [.decimalNumber, .letterNumber, .otherNumber],
        "Pc": [.connectorPunctuation], "Pd": [.dashPunctuation], "Ps": [.openPunctuation], "Pe": [.closePunctuation],
        "Pi": [.initialPunctuation], "Pf": [.finalPunctuation], "Po": [.otherPunctuation],
        "P": [
            .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation, .initialPunctuation, .finalPunctuation,
            .otherPunctuation,
        ],
        "Sm": [.mathSymbol], "Sc": [.currencySymbol], "Sk": [.modifierSymbol], "So": [.otherSymbol],
        "S": [.mathSymbol, .currencySymbol, .modifierSymbol, .otherSymbol],
        "Zs": [.spaceSeparator], "Zl": [.lineSeparator], "Zp": [.paragraphSeparator],
        "Z": [.spaceSeparator, .lineSeparator, .paragraphSeparator],
        "Cc": [.control], "Cf": [.format], "Co": [.privateUse], "C": [.control, .format, .privateUse],
    ]
}
