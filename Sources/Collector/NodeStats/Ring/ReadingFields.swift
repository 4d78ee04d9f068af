/// Sees each number of a reading in a fixed order: one list of the fields serves taking them out and putting them back.
protocol FieldVisitor {
    mutating func visit(_ field: inout UInt64?)
    mutating func visit(_ field: inout UInt64)
    mutating func visit(_ field: inout Int64)
    /// A share in percent with two decimals, as the kernel prints averages.
    mutating func visit(percent field: inout Double)
    mutating func visit(exact field: inout Double)
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
        for position in sample.devices.indices { sample.devices[position].visitFields(&visitor) }
        sample.cpuPressure?.visitFields(&visitor)
        sample.memoryPressure?.visitFields(&visitor)
        sample.ioPressure?.visitFields(&visitor)
        sample.irqPressure?.visitFields(&visitor)
        for position in sample.resctrl.indices {
            visitor.visit(&sample.resctrl[position].bandwidthTotal)
            visitor.visit(&sample.resctrl[position].bandwidthLocal)
            visitor.visit(&sample.resctrl[position].cacheOccupancy)
        }
        for position in sample.perfEvents.indices {
            visitor.visit(&sample.perfEvents[position].value)
            visitor.visit(exact: &sample.perfEvents[position].scaling)
        }
        network?.visitFields(&visitor)
    }

    private mutating func visitCPU(_ visitor: inout some FieldVisitor) {
        visitor.visit(&sample.cpuUsage)
        visitor.visit(&sample.cpuUser)
        visitor.visit(&sample.cpuSystem)
        for position in sample.cpuUsageByCPU.indices { visitor.visit(&sample.cpuUsageByCPU[position]) }
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
        for position in sample.memoryParts.indices { visitor.visit(&sample.memoryParts[position].value) }
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
        for position in sample.numa.indices {
            visitor.visit(&sample.numa[position].file)
            visitor.visit(&sample.numa[position].anonymous)
            visitor.visit(&sample.numa[position].unevictable)
            visitor.visit(&sample.numa[position].hierarchyFile)
            visitor.visit(&sample.numa[position].hierarchyAnonymous)
            visitor.visit(&sample.numa[position].hierarchyUnevictable)
        }
        for position in sample.hugePages.indices {
            visitor.visit(&sample.hugePages[position].usage)
            visitor.visit(&sample.hugePages[position].peak)
            visitor.visit(&sample.hugePages[position].failures)
        }
    }

    /// Whether the same numbers come in the same order: what is not a number is equal, and the lists are as long.
    /// What is nil is told by the visitor.
    func hasShape(of other: Reading) -> Bool {
        let (a, b) = (sample, other.sample)
        return a.cpuUsageByCPU.count == b.cpuUsageByCPU.count && (a.schedule == nil) == (b.schedule == nil) && (a.load == nil) == (b.load == nil)
            && (a.descriptors == nil) == (b.descriptors == nil) && (a.cpuPressure == nil) == (b.cpuPressure == nil)
            && (a.memoryPressure == nil) == (b.memoryPressure == nil) && (a.ioPressure == nil) == (b.ioPressure == nil)
            && (a.irqPressure == nil) == (b.irqPressure == nil)
            && a.memoryParts.elementsEqual(b.memoryParts) { $0.name == $1.name }
            && a.numa.elementsEqual(b.numa) { $0.node == $1.node } && a.hugePages.elementsEqual(b.hugePages) { $0.size == $1.size }
            && a.devices.elementsEqual(b.devices) { $0.hasShape(of: $1) } && a.resctrl.elementsEqual(b.resctrl) { $0.node == $1.node }
            && a.perfEvents.elementsEqual(b.perfEvents) { $0.name == $1.name && $0.cpu == $1.cpu } && hasNetworkShape(of: other)
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
        for position in queued.indices { visitor.visit(&queued[position].value) }
        for position in merged.indices { visitor.visit(&merged[position].value) }
        for position in serviceTime.indices { visitor.visit(&serviceTime[position].value) }
        for position in waitTime.indices { visitor.visit(&waitTime[position].value) }
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
        for position in interfaces.indices {
            visitor.visit(&interfaces[position].receivedBytes)
            visitor.visit(&interfaces[position].receivedPackets)
            visitor.visit(&interfaces[position].receiveErrors)
            visitor.visit(&interfaces[position].receiveDrops)
            visitor.visit(&interfaces[position].transmittedBytes)
            visitor.visit(&interfaces[position].transmittedPackets)
            visitor.visit(&interfaces[position].transmitErrors)
            visitor.visit(&interfaces[position].transmitDrops)
        }
        for position in tcp.indices { visitor.visit(&tcp[position]) }
        for position in tcp6.indices { visitor.visit(&tcp6[position]) }
        udp?.visitFields(&visitor)
        udp6?.visitFields(&visitor)
        for position in advanced.indices { visitor.visit(&advanced[position].value) }
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
