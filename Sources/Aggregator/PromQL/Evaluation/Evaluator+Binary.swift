import Glibc
import Telemetry

extension Binary.Operation {
    /// Arithmetic; for comparisons 1 or 0.
    func apply(_ left: Double, _ right: Double) -> Double {
        switch self {
        case .add: left + right
        case .subtract: left - right
        case .multiply: left * right
        case .divide: left / right
        case .modulo: fmod(left, right)
        case .power: pow(left, right)
        case .atan2: Glibc.atan2(left, right)
        case .equal: left == right ? 1 : 0
        case .notEqual: left != right ? 1 : 0
        case .less: left < right ? 1 : 0
        case .lessOrEqual: left <= right ? 1 : 0
        case .greater: left > right ? 1 : 0
        case .greaterOrEqual: left >= right ? 1 : 0
        case .and, .or, .unless, .trimUpper, .trimLower: .nan
        }
    }
}

extension Binary {
    /// Whether elements are kept or dropped rather than computed.
    var isFilter: Bool { operation.isComparison && !returnsBool }

    /// Combines a column with a scalar at each step.
    func combine(_ column: inout [Double], _ scalar: [Double], isVectorLeft: Bool) {
        let isFilter = isFilter
        // The frequent operations without a switch for each value.
        switch operation {
        case .add: for step in column.indices where !column[step].isAbsent { column[step] += scalar[step] }
        case .multiply: for step in column.indices where !column[step].isAbsent { column[step] *= scalar[step] }
        case .divide where isVectorLeft: for step in column.indices where !column[step].isAbsent { column[step] /= scalar[step] }
        default:
            for step in column.indices where !column[step].isAbsent {
                let value = column[step]
                let outcome = isVectorLeft ? operation.apply(value, scalar[step]) : operation.apply(scalar[step], value)
                // A filter keeps the vector's own value on whichever side it stands.
                column[step] = isFilter ? (outcome == 1 ? value : .absent) : outcome
            }
        }
    }
}

extension Binary {
    /// The operation where both columns have a value. A filter keeps the left one's.
    func combined(_ left: [Double], _ right: [Double]) -> [Double] {
        // The frequent operations without a switch for each value.
        switch operation {
        case .add: return Self.zipped(left, right) { $0 + $1 }
        case .subtract: return Self.zipped(left, right) { $0 - $1 }
        case .multiply: return Self.zipped(left, right) { $0 * $1 }
        case .divide: return Self.zipped(left, right) { $0 / $1 }
        default:
            let operation = operation
            return isFilter
                ? Self.zipped(left, right) { operation.apply($0, $1) == 1 ? $0 : .absent } : Self.zipped(left, right) { operation.apply($0, $1) }
        }
    }

    @inline(__always)
    private static func zipped(_ left: [Double], _ right: [Double], _ apply: (Double, Double) -> Double) -> [Double] {
        [Double](capacity: left.count) { output in
            let left = left.span, right = right.span
            for step in left.indices {
                output.append(left[step].isAbsent || right[step].isAbsent ? .absent : apply(left[step], right[step]))
            }
        }
    }
}

extension Evaluator {
    func combine(_ binary: Binary, _ expression: Expression, _ steps: Steps) async throws(QueryError) -> Operand {
        if binary.operation.isTrim { return try await trim(binary, expression, steps) }
        if binary.left.type != binary.right.type, let lazy = try await lazyVector(expression, steps) { return .vector(try await columns(of: lazy)) }
        let left = try await evaluate(binary.left, steps)
        let right = try await evaluate(binary.right, steps)
        switch (left, right) {
        case (.scalar(let a), .scalar(let b)): return .scalar(zip(a, b).map(binary.operation.apply))
        case (.vector(let columns), .scalar(let values)): return .vector(try combine(columns, values, binary, isVectorLeft: true))
        case (.scalar(let values), .vector(let columns)): return .vector(try combine(columns, values, binary, isVectorLeft: false))
        case (.vector(let a), .vector(let b)):
            try await pause(after: (a.count + b.count) * steps.count)
            if binary.operation.isSet { return .vector(try combineSets(a, b, binary, steps)) }
            var matching = VectorMatching(binary, steps.count)
            return .vector(try await matching.match(a, b, self))
        default: throw QueryError(.internal, "an operator met a string")
        }
    }

    private func combine(_ columns: [SeriesColumn], _ scalar: [Double], _ binary: Binary, isVectorLeft: Bool) throws(QueryError) -> [SeriesColumn] {
        var result = columns
        for index in result.indices { binary.combine(&result[index].values, scalar, isVectorLeft: isVectorLeft) }
        return binary.isFilter ? result.filter { !$0.isEmpty } : try withoutNames(result)
    }

    /// `</` and `>/` cut native histograms. Nothing but plain samples is stored, and those have nothing to cut.
    private func trim(_ binary: Binary, _ expression: Expression, _ steps: Steps) async throws(QueryError) -> Operand {
        let left = try await evaluate(binary.left, steps)
        _ = try await evaluate(binary.right, steps)
        guard binary.left.type == .vector else { return .scalar(Array(repeating: .nan, count: steps.count)) }
        if left.seriesCount > 0 {
            inform(
                "incompatible sample types encountered for binary operator \"\(binary.operation.rawValue)\": float \(binary.operation.rawValue) float",
                at: expression.position)
        }
        return .vector([])
    }

    // MARK: Sets

    private func combineSets(_ left: [SeriesColumn], _ right: [SeriesColumn], _ binary: Binary, _ steps: Steps) throws(QueryError) -> [SeriesColumn] {
        let (leftKeys, rightKeys, keyCount) = binary.matching.numbers(left, right)
        /// Where any series of a key has an element.
        func presence(_ columns: [SeriesColumn], _ keys: [Int]) -> [[Bool]] {
            var presence: [[Bool]] = Array(repeating: [], count: keyCount)
            for (column, key) in zip(columns, keys) {
                if presence[key].isEmpty { presence[key] = Array(repeating: false, count: steps.count) }
                for step in 0..<steps.count where !column.values[step].isAbsent { presence[key][step] = true }
            }
            return presence
        }
        func filtered(_ columns: [SeriesColumn], _ keys: [Int], by presence: [[Bool]], keepsPresent: Bool) -> [SeriesColumn] {
            zip(columns, keys).compactMap { column, key in
                let bits = presence[key]
                if bits.isEmpty { return keepsPresent ? nil : column }
                var column = column
                for step in 0..<steps.count where bits[step] != keepsPresent { column.values[step] = .absent }
                return column.isEmpty ? nil : column
            }
        }
        switch binary.operation {
        case .and: return filtered(left, leftKeys, by: presence(right, rightKeys), keepsPresent: true)
        case .unless: return filtered(left, leftKeys, by: presence(right, rightKeys), keepsPresent: false)
        default: return try merged(left + filtered(right, rightKeys, by: presence(left, leftKeys), keepsPresent: false))
        }
    }
}
