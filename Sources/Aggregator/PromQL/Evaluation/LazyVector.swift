import Telemetry

/// An instant vector whose columns are worked out when they are asked for, some series at a time: an aggregation then
/// never holds them all, and two cores can share the work.
struct LazyVector: Sendable {
    /// Of the series before names are dropped.
    var labels: [Labels]
    var dropsNames: Bool
    var stepCount: Int
    /// Samples and points that all columns take to work out, for deciding how to share them.
    var work: Int
    /// Ranges of series whose columns are all equal: those of which only the moments were read.
    var alike: [Range<Int>] = []
    /// The columns of a range of the series.
    var columns: @Sendable (Range<Int>) -> [[Double]]

    /// The same where equal label sets cannot arise, because names stay.
    var keepingNames: LazyVector {
        var result = self
        result.dropsNames = false
        return result
    }

    /// The same with each value changed by itself.
    func mapped(dropsNames drops: Bool, _ change: @escaping @Sendable (inout [Double]) -> Void) -> LazyVector {
        var result = self
        result.dropsNames = dropsNames || drops
        result.alike = []
        let columns = columns
        result.columns = { range in
            var all = columns(range)
            for index in all.indices { change(&all[index]) }
            return all
        }
        result.work += labels.count * stepCount
        return result
    }
}

extension Evaluator {
    /// The expression as a lazy vector, if it is made of one selector and functions of single series.
    func lazyVector(_ expression: Expression, _ steps: Steps, _ context: ReadContext = ReadContext()) async throws(QueryError) -> LazyVector? {
        switch expression.node {
        case .parentheses(let inner): return try await lazyVector(inner, steps, context)
        case .selector(let selector): return try await lazySelector(selector, steps, context, wantsTimes: false)
        case .unary(true, let inner):
            // Where names meet whole series have to be looked at: `negated` does.
            guard let lazy = try await lazyVector(inner, steps), !Evaluator.mayMeetWithoutNames(lazy.labels) else { return nil }
            return lazy.mapped(dropsNames: true) { column in
                for step in column.indices where !column[step].isAbsent { column[step] = -column[step] }
            }
        case .call(let name, let arguments):
            guard let function = Function.named(name) else { return nil }
            switch function.body {
            case .window(let window): return try await lazyWindows(window, arguments, steps)
            case .map(let change):
                return try await lazyVector(arguments[0], steps)?.mapped(dropsNames: true) { column in
                    for step in column.indices where !column[step].isAbsent { column[step] = change(column[step]) }
                }
            default: return nil
            }
        case .binary(let binary) where !binary.operation.isSet && !binary.operation.isTrim:
            if binary.left.type == .vector, binary.right.type == .scalar {
                guard let lazy = try await lazyVector(binary.left, steps) else { return nil }
                return combined(lazy, try await scalar(binary.right, steps), binary, isVectorLeft: true)
            }
            if binary.left.type == .scalar, binary.right.type == .vector {
                guard let lazy = try await lazyVector(binary.right, steps) else { return nil }
                return combined(lazy, try await scalar(binary.left, steps), binary, isVectorLeft: false)
            }
            return nil
        default: return nil
        }
    }

    private func combined(_ lazy: LazyVector, _ scalar: [Double], _ binary: Binary, isVectorLeft: Bool) -> LazyVector {
        lazy.mapped(dropsNames: !binary.isFilter) { binary.combine(&$0, scalar, isVectorLeft: isVectorLeft) }
    }

    /// All columns of a lazy vector; series without any value are left out.
    func columns(of lazy: LazyVector) async throws(QueryError) -> [SeriesColumn] {
        // Before the memory is taken; `evaluate` counts anew what came out.
        try account(lazy.labels.count * lazy.stepCount, series: lazy.labels.count)
        let columns = try await shared(lazy.labels.count, work: lazy.work, lazy.columns)
        let mayMeet = lazy.dropsNames && Evaluator.mayMeetWithoutNames(lazy.labels)
        var result: [SeriesColumn] = []
        result.reserveCapacity(columns.count)
        for (labels, values) in zip(lazy.labels, columns) where !values.isEmptyColumn {
            result.append(SeriesColumn(labels: lazy.dropsNames ? labels.withoutName : labels, values: values))
        }
        return mayMeet ? try merged(result) : result
    }

    // MARK: Sharing work

    /// Below so many samples and points a piece of work is done at once where it is.
    private static let smallWork = 300_000

    /// Runs `body` over ranges that together are `0..<count`, on several cores if the work is large; the results in order.
    func shared<Element: Sendable>(
        _ count: Int, work: Int, _ body: @escaping @Sendable (Range<Int>) -> [Element]
    ) async throws(QueryError) -> [Element] {
        try await pieces(count, work: work) { body($0) }.flatMap { $0 }
    }

    /// The same, with one result for each range.
    func pieces<Piece: Sendable>(
        _ count: Int, work: Int, _ body: @escaping @Sendable (Range<Int>) -> Piece
    ) async throws(QueryError) -> [Piece] {
        try await pause(after: min(work, Evaluator.smallWork))
        guard work > Evaluator.smallWork, count > 1, engine.options.parallelism > 1 else { return count == 0 ? [] : [body(0..<count)] }
        // Pieces small enough that a cancelled query ends soon and that others get their turn.
        let wanted = min(count, max(engine.options.parallelism * 2, work / 2_000_000))
        let ranges = (0..<wanted).map { count * $0 / wanted..<count * ($0 + 1) / wanted }
        let width = engine.options.parallelism
        let done = await withTaskGroup(of: (Int, Piece).self) { group in
            var next = 0
            var done: [Piece?] = Array(repeating: nil, count: wanted)
            while next < min(width, wanted) {
                let number = next
                group.addTask { (number, body(ranges[number])) }
                next += 1
            }
            while let (number, piece) = await group.next() {
                done[number] = piece
                guard next < wanted, !Task.isCancelled else { continue }
                let number = next
                group.addTask { (number, body(ranges[number])) }
                next += 1
            }
            return done
        }
        let pieces = done.compactMap { $0 }
        guard pieces.count == wanted else { throw QueryError(.canceled, "query was canceled in expression evaluation") }
        return pieces
    }
}
