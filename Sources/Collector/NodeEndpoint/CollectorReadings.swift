import NodeStats

extension NodeCollector: NodeReadings {}
