import Glibc
import SeededNoise

/// How one made-up series moves. States are whole numbers; `scale` makes them what an exporter prints.
struct Signal {
    enum Kind {
        /// Never changes.
        case constant
        /// Grows by `rate` a second, with relative noise; a step happens with `chance`.
        case counter(rate: Double, noise: Double, chance: Double)
        /// Wanders by whole steps of `size`.
        case level(size: Double, chance: Double)
        /// Independent values around a middle.
        case gauge(mean: Double, deviation: Double)
        /// As the signal so many places before.
        case copy(Int)
        /// The sum of the two signals before.
        case sum
        /// A histogram's bucket: the observations of the step that are not above it. `of` places before is the first bucket.
        case bucket(share: Double)
        /// The time in seconds.
        case clock
    }

    var kind: Kind
    var scale: Double
    var state: Double

    init(_ kind: Kind, scale: Double = 1, state: Double = 0) {
        self.kind = kind
        self.scale = scale
        self.state = state
    }
}

/// What is scraped at one moment: a container, a program with histograms, a node.
final class MadeTarget {
    private(set) var signals: [Signal] = []
    private(set) var names: [(name: String, labels: [(String, String)])] = []
    let labels: [(String, String)]
    var isIdle: Bool
    /// Milliseconds after the full step.
    let offset: Int64
    private var random: SplitMix

    init(labels: [(String, String)], seed: UInt64, isIdle: Bool = false) {
        self.labels = labels
        self.isIdle = isIdle
        random = SplitMix(state: seed &* 0x9E37_79B9 &+ 7)
        offset = Int64(random.next() % 1000)
    }

    func add(_ name: String, _ extra: [(String, String)] = [], _ signal: Signal) {
        names.append((name, extra))
        signals.append(signal)
    }

    /// Moves on by `seconds` and appends all values.
    func step(_ seconds: Double, at time: Int64, into values: inout [Double]) {
        var observations = 0.0
        for index in signals.indices {
            switch signals[index].kind {
            case .constant: break
            case .counter(let rate, let noise, let chance):
                guard !isIdle || random.uniform() < 0.02, chance >= 1 || random.uniform() < chance else { break }
                signals[index].state += max(0, (rate * seconds * (1 + noise * random.normal())).rounded())
            case .level(let size, let chance):
                guard !isIdle || random.uniform() < 0.01, random.uniform() < chance else { break }
                signals[index].state = max(0, signals[index].state + (size * random.normal()).rounded())
            case .gauge(let mean, let deviation):
                guard !isIdle else { break }
                signals[index].state = max(0, (mean + deviation * random.normal()).rounded())
            case .copy(let distance): signals[index].state = signals[index - distance].state
            case .sum: signals[index].state = signals[index - 1].state + signals[index - 2].state
            case .bucket(let share):
                if share <= 0.02 { observations = isIdle ? 0 : max(0, (20 * seconds * (1 + 0.3 * random.normal())).rounded()) }
                // Cumulative: this bucket's share of what is left, and all of those below.
                var own = 0.0
                let deviation = (observations * share * (1 - share)).squareRoot()
                own = max(0, (observations * share + deviation * random.normal()).rounded())
                bucketSum = share <= 0.02 ? own : bucketSum + own
                signals[index].state += bucketSum
            case .clock: signals[index].state = Double(time)
            }
            values.append(signals[index].state / signals[index].scale)
        }
    }

    private var bucketSum = 0.0
}
