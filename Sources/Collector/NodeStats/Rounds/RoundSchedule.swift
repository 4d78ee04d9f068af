/// When to measure next: on multiples of the interval by the clock on the wall, whatever that clock does.
///
/// All times are in milliseconds.
struct RoundSchedule {
    struct Step: Equatable {
        /// The time stamp of the round.
        var due: Int64
        /// How long to sleep before it.
        var wait: Int64
        /// How far the clock was set since the round before; 0 if it was not.
        var jump: Int64 = 0
        /// Rounds that were left out because the one before took too long.
        var late: UInt64 = 0
    }

    var interval: Int64
    /// When the round before was due, and what both clocks said when it was planned.
    private var last: (due: Int64, wall: Int64, monotonic: Int64)?

    init(interval: Int64) { self.interval = interval }

    /// A clock that was set differs from the monotonic one by more than it may drift in an hour.
    static let tolerance: Int64 = 250

    mutating func next(wall: Int64, monotonic: Int64) -> Step {
        // Rounded down also before 1970.
        let multiple = wall >= 0 ? wall / interval : (wall - interval + 1) / interval
        var step = Step(due: (multiple + 1) * interval, wait: 0)
        if let last {
            let jump = (wall - last.wall) - (monotonic - last.monotonic)
            if abs(jump) > RoundSchedule.tolerance {
                step.jump = jump
            } else {
                // The sleep ended a moment before the time: this round has been made.
                if step.due <= last.due { step.due = last.due + interval }
                step.late = UInt64(max(0, (step.due - last.due) / interval - 1))
            }
        }
        step.wait = step.due - wall
        last = (step.due, wall, monotonic)
        return step
    }
}
