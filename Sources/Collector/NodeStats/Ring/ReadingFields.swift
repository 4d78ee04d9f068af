/// Sees each number of a reading in a fixed order: one list of the fields serves taking them out and putting them back.
protocol FieldVisitor {
    /// Changes nothing: elements of lists are then visited as copies, so that the lists themselves stay shared.
    static var onlyReads: Bool { get }
    mutating func visit(_ field: inout UInt64?)
    mutating func visit(_ field: inout UInt64)
    mutating func visit(_ field: inout Int64)
    /// A share in percent with two decimals, as the kernel prints averages.
    mutating func visit(percent field: inout Double)
    mutating func visit(exact field: inout Double)
}

extension FieldVisitor {
    @inline(__always)
    fileprivate mutating func visitEach<Element>(_ list: inout [Element], _ body: (inout Element, inout Self) -> Void) {
        if list.isEmpty { return }
        if Self.onlyReads {
            for element in list {
                var copy = element
                body(&copy, &self)
            }
        } else {
            for position in list.indices { body(&list[position], &self) }
        }
    }
    fileprivate mutating func visitValues(_ list: inout [CgroupSample.NamedValue]) {
        visitEach(&list) { element, visitor in visitor.visit(&element.value) }
    }
}

/// A cgroup's reading with its network's: what the ring holds of one moment.
struct Reading {
    var sample: CgroupSample
    var network: NetworkReading?

    mutating func visitFields(_ visitor: inout some FieldVisitor) {
        visitor.visit(&sample.time)
        visitCPU(&visitor)
        visitMemory(&visitor)
        visitor.visit(&sample.processes)
        visitor.visit(&sample.threads)
        if sample.descriptors != nil {
            visitor.visit(&sample.descriptors!.files)
            visitor.visit(&sample.descriptors!.sockets)
            visitor.visit(&sample.descriptors!.softLimit)
            visitor.visit(&sample.descriptors!.hardLimit)
        }
        visitor.visitEach(&sample.devices) { device, visitor in device.visitFields(&visitor) }
        sample.cpuPressure?.visitFields(&visitor)
        sample.memoryPressure?.visitFields(&visitor)
        sample.ioPressure?.visitFields(&visitor)
        sample.irqPressure?.visitFields(&visitor)
        visitor.visitEach(&sample.resctrl) { domain, visitor in
            visitor.visit(&domain.bandwidthTotal)
            visitor.visit(&domain.bandwidthLocal)
            visitor.visit(&domain.cacheOccupancy)
        }
        visitor.visitEach(&sample.perfEvents) { event, visitor in
            visitor.visit(&event.value)
            visitor.visit(exact: &event.scaling)
        }
        network?.visitFields(&visitor)
    }

    private mutating func visitCPU(_ visitor: inout some FieldVisitor) {
        visitor.visit(&sample.cpuUsage)
        visitor.visit(&sample.cpuUser)
        visitor.visit(&sample.cpuSystem)
        visitor.visitEach(&sample.cpuUsageByCPU) { usage, visitor in visitor.visit(&usage) }
        visitor.visit(&sample.periods)
        visitor.visit(&sample.throttledPeriods)
        visitor.visit(&sample.throttledTime)
        visitor.visit(&sample.burstPeriods)
        visitor.visit(&sample.burstTime)
        if sample.schedule != nil {
            visitor.visit(&sample.schedule!.runTime)
            visitor.visit(&sample.schedule!.queueTime)
            visitor.visit(&sample.schedule!.runPeriods)
        }
        if sample.load != nil {
            visitor.visit(&sample.load!.sleeping)
            visitor.visit(&sample.load!.running)
            visitor.visit(&sample.load!.stopped)
            visitor.visit(&sample.load!.uninterruptible)
            visitor.visit(&sample.load!.ioWaiting)
            visitor.visit(&sample.load!.average)
            visitor.visit(&sample.load!.uninterruptibleAverage)
        }
    }

    private mutating func visitMemory(_ visitor: inout some FieldVisitor) {
        visitor.visit(&sample.memoryUsage)
        visitor.visit(&sample.memoryPeak)
        visitor.visit(&sample.memoryCache)
        visitor.visit(&sample.memoryRSS)
        visitor.visit(&sample.memoryMapped)
        visitor.visit(&sample.memorySwap)
        visitor.visit(&sample.memoryKernel)
        visitor.visit(&sample.inactiveFile)
        visitor.visit(&sample.activeFile)
        visitor.visit(&sample.fileDirty)
        visitor.visit(&sample.fileWriteback)
        visitor.visit(&sample.memoryUnreclaimable)
        visitor.visitValues(&sample.memoryParts)
        visitor.visit(&sample.pageFaults)
        visitor.visit(&sample.majorPageFaults)
        visitor.visit(&sample.ownPageFaults)
        visitor.visit(&sample.ownMajorPageFaults)
        visitor.visit(&sample.pagesScanned)
        visitor.visit(&sample.pagesStolen)
        visitor.visit(&sample.refaultsFile)
        visitor.visit(&sample.refaultsAnonymous)
        visitor.visit(&sample.memoryFailures)
        visitor.visit(&sample.highEvents)
        visitor.visit(&sample.maxEvents)
        visitor.visit(&sample.oomKills)
        visitor.visit(&sample.memoryMigrate)
        visitor.visit(&sample.referencedBytes)
        visitor.visitEach(&sample.numa) { node, visitor in
            visitor.visit(&node.file)
            visitor.visit(&node.anonymous)
            visitor.visit(&node.unevictable)
            visitor.visit(&node.hierarchyFile)
            visitor.visit(&node.hierarchyAnonymous)
            visitor.visit(&node.hierarchyUnevictable)
        }
        visitor.visitEach(&sample.hugePages) { pages, visitor in
            visitor.visit(&pages.usage)
            visitor.visit(&pages.peak)
            visitor.visit(&pages.failures)
        }
    }

    /// Whether the same numbers come in the same order: what is not a number is equal, and the lists are as long.
    /// What is nil is told by the visitor.
    func hasShape(of other: Reading) -> Bool {
        hasLists(of: other) && hasNetworkShape(of: other)
    }

    private func hasLists(of other: Reading) -> Bool {
        sample.cpuUsageByCPU.count == other.sample.cpuUsageByCPU.count && (sample.schedule == nil) == (other.sample.schedule == nil)
            && (sample.load == nil) == (other.sample.load == nil)
            && (sample.descriptors == nil) == (other.sample.descriptors == nil) && (sample.cpuPressure == nil) == (other.sample.cpuPressure == nil)
            && (sample.memoryPressure == nil) == (other.sample.memoryPressure == nil) && (sample.ioPressure == nil) == (other.sample.ioPressure == nil)
            && (sample.irqPressure == nil) == (other.sample.irqPressure == nil)
            && sample.memoryParts.elementsEqual(other.sample.memoryParts) { $0.name == $1.name }
            && sample.numa.elementsEqual(other.sample.numa) { $0.node == $1.node }
            && sample.hugePages.elementsEqual(other.sample.hugePages) { $0.size == $1.size }
            && sample.devices.elementsEqual(other.sample.devices) { $0.hasShape(of: $1) }
            && sample.resctrl.elementsEqual(other.sample.resctrl) { $0.node == $1.node }
            && sample.perfEvents.elementsEqual(other.sample.perfEvents) { $0.name == $1.name && $0.cpu == $1.cpu }
    }

    private func hasNetworkShape(of other: Reading) -> Bool {
        guard let a = network, let b = other.network else { return (network == nil) == (other.network == nil) }
        return a.interfaces.elementsEqual(b.interfaces) { $0.interface == $1.interface } && a.tcp.count == b.tcp.count && a.tcp6.count == b.tcp6.count
            && (a.udp == nil) == (b.udp == nil) && (a.udp6 == nil) == (b.udp6 == nil)
            && a.advanced.elementsEqual(b.advanced) { $0.name == $1.name }
    }
}

extension CgroupSample.Pressure {
    fileprivate mutating func visitFields(_ visitor: inout some FieldVisitor) {
        some.visitFields(&visitor)
        full.visitFields(&visitor)
    }
}

extension CgroupSample.Pressure.Line {
    fileprivate mutating func visitFields(_ visitor: inout some FieldVisitor) {
        visitor.visit(percent: &average10)
        visitor.visit(percent: &average60)
        visitor.visit(percent: &average300)
        visitor.visit(&total)
    }
}

extension CgroupSample.DeviceIO {
    fileprivate mutating func visitFields(_ visitor: inout some FieldVisitor) {
        visitor.visit(&readBytes)
        visitor.visit(&writeBytes)
        visitor.visit(&discardBytes)
        visitor.visit(&syncBytes)
        visitor.visit(&asyncBytes)
        visitor.visit(&reads)
        visitor.visit(&writes)
        visitor.visit(&discards)
        visitor.visit(&syncs)
        visitor.visit(&asyncs)
        visitor.visitValues(&queued)
        visitor.visitValues(&merged)
        visitor.visitValues(&serviceTime)
        visitor.visitValues(&waitTime)
        visitor.visit(&sectors)
        visitor.visit(&ioTime)
        visitor.visit(&costUsage)
        visitor.visit(&costWait)
        visitor.visit(&costInDebt)
        visitor.visit(&costInDelay)
    }

    fileprivate func hasShape(of other: CgroupSample.DeviceIO) -> Bool {
        func names(_ a: [CgroupSample.NamedValue], _ b: [CgroupSample.NamedValue]) -> Bool { a.elementsEqual(b) { $0.name == $1.name } }
        return major == other.major && minor == other.minor && name == other.name && names(queued, other.queued) && names(merged, other.merged)
            && names(serviceTime, other.serviceTime) && names(waitTime, other.waitTime)
    }
}

extension NetworkReading {
    fileprivate mutating func visitFields(_ visitor: inout some FieldVisitor) {
        visitor.visitEach(&interfaces) { counters, visitor in
            visitor.visit(&counters.receivedBytes)
            visitor.visit(&counters.receivedPackets)
            visitor.visit(&counters.receiveErrors)
            visitor.visit(&counters.receiveDrops)
            visitor.visit(&counters.transmittedBytes)
            visitor.visit(&counters.transmittedPackets)
            visitor.visit(&counters.transmitErrors)
            visitor.visit(&counters.transmitDrops)
        }
        visitor.visitEach(&tcp) { count, visitor in visitor.visit(&count) }
        visitor.visitEach(&tcp6) { count, visitor in visitor.visit(&count) }
        udp?.visitFields(&visitor)
        udp6?.visitFields(&visitor)
        visitor.visitEach(&advanced) { entry, visitor in visitor.visit(&entry.value) }
    }
}

extension NetworkReading.UDP {
    fileprivate mutating func visitFields(_ visitor: inout some FieldVisitor) {
        visitor.visit(&listen)
        visitor.visit(&dropped)
        visitor.visit(&receiveQueued)
        visitor.visit(&transmitQueued)
    }
}
