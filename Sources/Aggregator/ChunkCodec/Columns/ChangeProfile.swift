/// How a column changes, as a short vector of fixed length: the product of two is their correlation.
///
/// It is only a hint for the encoder, which then looks at what the columns really have in common; so single precision and a
/// sample of the rows will do.
struct ChangeProfile {
    /// Changes that are looked at.
    static let count = 256

    private let changes: [SIMD8<Float>]

    /// nil if the column is short, or changes so seldom that one change more or less decides.
    init?(_ mantissas: [Int64]) {
        let rows = mantissas.count - 1
        guard rows >= 48 else { return nil }
        // Neighbours, so that each is a change of one step; spread over the column in as many stretches as fit.
        let taken = min(rows, ChangeProfile.count)
        var plain = [Float](repeating: 0, count: ChangeProfile.count)
        var sum: Float = 0
        var changing = 0
        for index in 0..<taken {
            let row = index * rows / taken
            let change = Float(mantissas[row + 1] &- mantissas[row])
            plain[index] = change
            sum += change
            if change != 0 { changing += 1 }
        }
        guard changing * 8 >= taken else { return nil }
        let mean = sum / Float(taken)
        var squares: Float = 0
        for index in 0..<taken {
            plain[index] -= mean
            squares += plain[index] * plain[index]
        }
        guard squares > 0, squares.isFinite else { return nil }
        // One leap must not be all that counts: beyond four deviations it counts as four.
        let limit = 4 * (squares / Float(taken)).squareRoot()
        squares = 0
        for index in 0..<taken {
            plain[index] = max(-limit, min(limit, plain[index]))
            squares += plain[index] * plain[index]
        }
        let scale = 1 / squares.squareRoot()
        changes = stride(from: 0, to: ChangeProfile.count, by: 8).map { start in
            var lane = SIMD8<Float>()
            for place in 0..<8 { lane[place] = plain[start + place] * scale }
            return lane
        }
    }

    /// From -1 to 1. Both columns have the same rows.
    func correlation(_ other: ChangeProfile) -> Float {
        var sum = SIMD8<Float>()
        for index in changes.indices { sum += changes[index] * other.changes[index] }
        return sum.sum()
    }
}
