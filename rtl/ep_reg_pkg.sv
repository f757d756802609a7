// SPDX-License-Identifier: MIT
// Offsets, fields and reset values of the registers of BAR 0. An offset is that of element 0 from the start of
// the BAR; element n of an array lies n strides further.
// Generated from rtl/registers.toml by tools/regmap.py; `make regs` writes it anew.
package ep_reg_pkg;

  localparam logic [31:0] MapVersion = 32'd1;
  localparam int unsigned BarBytes = 'h10000;

  // Identity, capabilities, time.
  localparam logic [15:0] GlobalBase = 16'h0000;
  localparam logic [15:0] GlobalId = 16'h0000;
  localparam logic [31:0] GlobalIdReset = 32'h484F4C44;
  localparam logic [15:0] GlobalVersion = 16'h0004;
  localparam logic [15:0] GlobalCapabilities = 16'h0008;
  localparam int unsigned GlobalCapabilitiesChannelsLsb = 0;
  localparam int unsigned GlobalCapabilitiesChannelsWidth = 4;
  localparam int unsigned GlobalCapabilitiesDataBytesLsb = 8;
  localparam int unsigned GlobalCapabilitiesDataBytesWidth = 8;
  localparam int unsigned GlobalCapabilitiesVectorsLsb = 16;
  localparam int unsigned GlobalCapabilitiesVectorsWidth = 6;
  localparam int unsigned GlobalCapabilitiesPostedSentLsb = 24;
  localparam int unsigned GlobalCapabilitiesPostedSentWidth = 1;
  localparam int unsigned GlobalCapabilitiesConfigEventsLsb = 25;
  localparam int unsigned GlobalCapabilitiesConfigEventsWidth = 1;
  localparam int unsigned GlobalCapabilitiesMonitorLsb = 26;
  localparam int unsigned GlobalCapabilitiesMonitorWidth = 1;
  localparam logic [15:0] GlobalCardMemory = 16'h000C;
  localparam logic [15:0] GlobalScratch = 16'h0010;
  localparam logic [15:0] GlobalClockPeriod = 16'h0014;
  localparam logic [15:0] GlobalTimeLo = 16'h0018;
  localparam logic [15:0] GlobalTimeHi = 16'h001C;
  localparam logic [15:0] GlobalReads = 16'h0020;
  localparam int unsigned GlobalReadsMaxOutstandingLsb = 0;
  localparam int unsigned GlobalReadsMaxOutstandingWidth = 16;
  localparam int unsigned GlobalReadsCompletionBufferKibLsb = 16;
  localparam int unsigned GlobalReadsCompletionBufferKibWidth = 16;
  localparam logic [15:0] GlobalCompletionTimeout = 16'h0024;
  localparam logic [31:0] GlobalCompletionTimeoutReset = 32'h0003D090;
  localparam logic [15:0] GlobalRaise = 16'h0028;
  localparam int unsigned GlobalRaiseVectorLsb = 0;
  localparam int unsigned GlobalRaiseVectorWidth = 5;

  // One DMA channel. Registers other than CONTROL may be written only while STATUS.IDLE is 1.
  localparam logic [15:0] ChannelBase = 16'h1000;
  localparam int unsigned ChannelBlocks = 8;
  localparam int unsigned ChannelStride = 'h100;
  localparam logic [15:0] ChannelControl = 16'h1000;
  localparam int unsigned ChannelControlRunLsb = 0;
  localparam int unsigned ChannelControlRunWidth = 1;
  localparam int unsigned ChannelControlC2hLsb = 1;
  localparam int unsigned ChannelControlC2hWidth = 1;
  localparam int unsigned ChannelControlCyclicLsb = 2;
  localparam int unsigned ChannelControlCyclicWidth = 1;
  localparam int unsigned ChannelControlPatternLsb = 3;
  localparam int unsigned ChannelControlPatternWidth = 1;
  localparam int unsigned ChannelControlInterruptLsb = 4;
  localparam int unsigned ChannelControlInterruptWidth = 1;
  localparam int unsigned ChannelControlResetLsb = 31;
  localparam int unsigned ChannelControlResetWidth = 1;
  localparam logic [15:0] ChannelStatus = 16'h1004;
  localparam int unsigned ChannelStatusIdleLsb = 0;
  localparam int unsigned ChannelStatusIdleWidth = 1;
  localparam int unsigned ChannelStatusStoppedLsb = 1;
  localparam int unsigned ChannelStatusStoppedWidth = 1;
  localparam int unsigned ChannelStatusErrorLsb = 4;
  localparam int unsigned ChannelStatusErrorWidth = 4;
  localparam logic [15:0] ChannelRingBaseLo = 16'h1008;
  localparam logic [15:0] ChannelRingBaseHi = 16'h100C;
  localparam logic [15:0] ChannelRingEntries = 16'h1010;
  localparam int unsigned ChannelRingEntriesEntriesLsb = 0;
  localparam int unsigned ChannelRingEntriesEntriesWidth = 16;
  localparam logic [15:0] ChannelTail = 16'h1014;
  localparam logic [15:0] ChannelCompletionBaseLo = 16'h1018;
  localparam logic [15:0] ChannelCompletionBaseHi = 16'h101C;
  localparam logic [15:0] ChannelSeed = 16'h1020;
  localparam logic [15:0] ChannelVector = 16'h1024;
  localparam int unsigned ChannelVectorVectorLsb = 0;
  localparam int unsigned ChannelVectorVectorWidth = 5;
  localparam logic [15:0] ChannelModeration = 16'h1028;
  localparam logic [31:0] ChannelModerationReset = 32'h00000001;
  localparam int unsigned ChannelModerationCountLsb = 0;
  localparam int unsigned ChannelModerationCountWidth = 16;
  localparam int unsigned ChannelModerationTimeUsLsb = 16;
  localparam int unsigned ChannelModerationTimeUsWidth = 16;
  localparam logic [15:0] ChannelCompletedLo = 16'h1030;
  localparam logic [15:0] ChannelCompletedHi = 16'h1034;
  localparam logic [15:0] ChannelBytesLo = 16'h1038;
  localparam logic [15:0] ChannelBytesHi = 16'h103C;
  localparam logic [15:0] ChannelCheckedLo = 16'h1040;
  localparam logic [15:0] ChannelCheckedHi = 16'h1044;
  localparam logic [15:0] ChannelMismatches = 16'h1048;

  // Writes one 32-byte record into a host ring every PERIOD clocks. Registers may be written only while RUN is 0.
  localparam logic [15:0] HeartbeatWriterBase = 16'h2000;
  localparam logic [15:0] HeartbeatWriterControl = 16'h2000;
  localparam int unsigned HeartbeatWriterControlRunLsb = 0;
  localparam int unsigned HeartbeatWriterControlRunWidth = 1;
  localparam int unsigned HeartbeatWriterControlInterruptLsb = 1;
  localparam int unsigned HeartbeatWriterControlInterruptWidth = 1;
  localparam logic [15:0] HeartbeatWriterRingBaseLo = 16'h2008;
  localparam logic [15:0] HeartbeatWriterRingBaseHi = 16'h200C;
  localparam logic [15:0] HeartbeatWriterRingEntries = 16'h2010;
  localparam int unsigned HeartbeatWriterRingEntriesEntriesLsb = 0;
  localparam int unsigned HeartbeatWriterRingEntriesEntriesWidth = 16;
  localparam logic [15:0] HeartbeatWriterPeriod = 16'h2014;
  localparam logic [31:0] HeartbeatWriterPeriodReset = 32'h000001F4;
  localparam logic [15:0] HeartbeatWriterVector = 16'h2018;
  localparam int unsigned HeartbeatWriterVectorVectorLsb = 0;
  localparam int unsigned HeartbeatWriterVectorVectorWidth = 5;
  localparam logic [15:0] HeartbeatWriterInterruptEvery = 16'h201C;
  localparam logic [31:0] HeartbeatWriterInterruptEveryReset = 32'h00000001;
  localparam logic [15:0] HeartbeatWriterSequenceLo = 16'h2020;
  localparam logic [15:0] HeartbeatWriterSequenceHi = 16'h2024;
  localparam logic [15:0] HeartbeatWriterMissed = 16'h2028;

  // Reads one 32-byte cell of a host table every PERIOD clocks and compares it with the pattern (lap 0, offset 32 * cell).
  localparam logic [15:0] HeartbeatReaderBase = 16'h2100;
  localparam logic [15:0] HeartbeatReaderControl = 16'h2100;
  localparam int unsigned HeartbeatReaderControlRunLsb = 0;
  localparam int unsigned HeartbeatReaderControlRunWidth = 1;
  localparam logic [15:0] HeartbeatReaderStatus = 16'h2104;
  localparam int unsigned HeartbeatReaderStatusIdleLsb = 0;
  localparam int unsigned HeartbeatReaderStatusIdleWidth = 1;
  localparam logic [15:0] HeartbeatReaderRingBaseLo = 16'h2108;
  localparam logic [15:0] HeartbeatReaderRingBaseHi = 16'h210C;
  localparam logic [15:0] HeartbeatReaderRingEntries = 16'h2110;
  localparam int unsigned HeartbeatReaderRingEntriesEntriesLsb = 0;
  localparam int unsigned HeartbeatReaderRingEntriesEntriesWidth = 16;
  localparam logic [15:0] HeartbeatReaderPeriod = 16'h2114;
  localparam logic [31:0] HeartbeatReaderPeriodReset = 32'h000001F4;
  localparam logic [15:0] HeartbeatReaderSeed = 16'h2118;
  localparam logic [15:0] HeartbeatReaderCountLo = 16'h2120;
  localparam logic [15:0] HeartbeatReaderCountHi = 16'h2124;
  localparam logic [15:0] HeartbeatReaderMissed = 16'h2128;
  localparam logic [15:0] HeartbeatReaderMismatches = 16'h212C;
  localparam logic [15:0] HeartbeatReaderFailed = 16'h2130;

  // What a board can tell about its own past. Cleared by fundamental reset and by nothing else.
  localparam logic [15:0] MonitorBase = 16'h3000;
  localparam logic [15:0] MonitorSticky = 16'h3000;
  localparam int unsigned MonitorStickyBusMasterFellLsb = 0;
  localparam int unsigned MonitorStickyBusMasterFellWidth = 1;
  localparam int unsigned MonitorStickyMemoryFellLsb = 1;
  localparam int unsigned MonitorStickyMemoryFellWidth = 1;
  localparam int unsigned MonitorStickyFlrLsb = 2;
  localparam int unsigned MonitorStickyFlrWidth = 1;
  localparam int unsigned MonitorStickyD3hotLsb = 3;
  localparam int unsigned MonitorStickyD3hotWidth = 1;
  localparam int unsigned MonitorStickyBdfChangedLsb = 4;
  localparam int unsigned MonitorStickyBdfChangedWidth = 1;
  localparam int unsigned MonitorStickyMsixDisabledLsb = 5;
  localparam int unsigned MonitorStickyMsixDisabledWidth = 1;
  localparam int unsigned MonitorStickyHotResetLsb = 6;
  localparam int unsigned MonitorStickyHotResetWidth = 1;
  localparam int unsigned MonitorStickyLinkDownLsb = 7;
  localparam int unsigned MonitorStickyLinkDownWidth = 1;
  localparam logic [15:0] MonitorStickyTimeLo = 16'h3010;
  localparam int unsigned MonitorStickyTimeLoCount = 8;
  localparam int unsigned MonitorStickyTimeLoStride = 8;
  localparam logic [15:0] MonitorStickyTimeHi = 16'h3014;
  localparam int unsigned MonitorStickyTimeHiCount = 8;
  localparam int unsigned MonitorStickyTimeHiStride = 8;
  localparam logic [15:0] MonitorTxWrites = 16'h3080;
  localparam logic [15:0] MonitorTxReads = 16'h3084;
  localparam logic [15:0] MonitorTxCompletions = 16'h3088;
  localparam logic [15:0] MonitorRxWrites = 16'h308C;
  localparam logic [15:0] MonitorRxReads = 16'h3090;
  localparam logic [15:0] MonitorRxCompletions = 16'h3094;
  localparam logic [15:0] MonitorRxBadCompletions = 16'h3098;
  localparam logic [15:0] MonitorTimeouts = 16'h309C;
  localparam logic [15:0] MonitorConfigWrites = 16'h30A0;
  localparam logic [15:0] MonitorLongestSilence = 16'h30A4;
  localparam logic [15:0] MonitorLogSelect = 16'h30B0;
  localparam int unsigned MonitorLogSelectEntryLsb = 0;
  localparam int unsigned MonitorLogSelectEntryWidth = 6;
  localparam logic [15:0] MonitorLogTimeLo = 16'h30B4;
  localparam logic [15:0] MonitorLogTimeHi = 16'h30B8;
  localparam logic [15:0] MonitorLogWhere = 16'h30BC;
  localparam int unsigned MonitorLogWhereOffsetLsb = 0;
  localparam int unsigned MonitorLogWhereOffsetWidth = 12;
  localparam int unsigned MonitorLogWhereByteEnablesLsb = 12;
  localparam int unsigned MonitorLogWhereByteEnablesWidth = 4;
  localparam logic [15:0] MonitorLogData = 16'h30C0;
  localparam logic [15:0] MonitorEvents = 16'h3400;
  localparam int unsigned MonitorEventsCount = 32;
  localparam int unsigned MonitorEventsStride = 16;
  localparam logic [15:0] MonitorCoalesced = 16'h3404;
  localparam int unsigned MonitorCoalescedCount = 32;
  localparam int unsigned MonitorCoalescedStride = 16;
  localparam logic [15:0] MonitorMessages = 16'h3408;
  localparam int unsigned MonitorMessagesCount = 32;
  localparam int unsigned MonitorMessagesStride = 16;

  // MSI-X table: 32 vectors of 16 bytes, as the base specification lays them out.
  localparam logic [15:0] MsixTableBase = 16'h8000;
  localparam logic [15:0] MsixTableAddressLo = 16'h8000;
  localparam int unsigned MsixTableAddressLoCount = 32;
  localparam int unsigned MsixTableAddressLoStride = 16;
  localparam logic [15:0] MsixTableAddressHi = 16'h8004;
  localparam int unsigned MsixTableAddressHiCount = 32;
  localparam int unsigned MsixTableAddressHiStride = 16;
  localparam logic [15:0] MsixTableData = 16'h8008;
  localparam int unsigned MsixTableDataCount = 32;
  localparam int unsigned MsixTableDataStride = 16;
  localparam logic [15:0] MsixTableVectorControl = 16'h800C;
  localparam int unsigned MsixTableVectorControlCount = 32;
  localparam int unsigned MsixTableVectorControlStride = 16;
  localparam logic [31:0] MsixTableVectorControlReset = 32'h00000001;
  localparam int unsigned MsixTableVectorControlMaskLsb = 0;
  localparam int unsigned MsixTableVectorControlMaskWidth = 1;

  // MSI-X pending bit array.
  localparam logic [15:0] MsixPbaBase = 16'hC000;
  localparam logic [15:0] MsixPbaPending = 16'hC000;

endpackage
