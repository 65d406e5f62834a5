/**
 * What MIOpenDriver understands: operation → its options as `letter:long_name`.
 * Taken from `MIOpenDriver <operation> --help` of MIOpen 3.5.1, one line per distinct set.
 */
const TABLE: readonly { operations: string; options: string }[] = [
  {
    operations: "conv convfp16 convbfp16 convint8",
    options:
      "!:in_d #:conv_stride_d $:pad_d %:trans_output_pad_d &:tuning_policy @:fil_d C:verification_cache D:dout_data F:forw G:gpualloc H:in_h I:in_layout L:vector_length N:init_output_nan O:out_layout P:printconv R:wei_cast_type S:solution T:out_cast_type U:in_cast_type V:verify W:in_w X:trans_output_pad_w Y:trans_output_pad_h Z:tensor_vect ^:dilation_d _:spatial_dim a:in_bias b:bias c:in_channels d:in_data e:weights f:fil_layout g:group_count i:iter j:dilation_w k:out_channels l:dilation_h m:mode n:batchsize o:dump_output p:pad_h q:pad_w r:pad_val s:search t:time u:conv_stride_h v:conv_stride_w w:wall x:fil_w y:fil_h z:pad_mode ~:gpubuffer_check",
  },
  {
    operations: "CBAInfer CBAInferfp16 CBAInferbfp16 CAInfer CAInferfp16 CAInferbfp16",
    options:
      "!:in_d #:conv_stride_d $:pad_d @:fil_d A:alpha B:beta D:dot_graph G:gamma H:in_h I:in_layout J:fusion_mode M:bnMode O:out_layout V:verify W:in_w ^:dilation_d _:spatial_dim c:in_channels f:fil_layout g:group_count i:iter j:dilation_w k:out_channels l:dilation_h m:activMode n:batchsize p:pad_h q:pad_w r:pad_val t:time u:conv_stride_h v:conv_stride_w w:wall x:fil_w y:fil_h z:pad_mode",
  },
  {
    operations: "pool poolfp16",
    options:
      "D:dinput F:forw H:doutput I:index_type M:index_position O:output P:print V:verify W:input Z:win_d i:iter j:in_data k:out_data l:dump_root m:mode o:pad_d p:pad_h q:pad_w r:pad_val s:pool_stride_d t:time u:pool_stride_w v:pool_stride_h w:wall x:win_w y:win_h z:pad_mode",
  },
  {
    operations: "bnorm bnormfp16 bnormbfp16 bnormfp16fp32 bnormbfp16fp32",
    options:
      "&:tuning_policy A:alpha B:beta D:in_d F:forw H:in_h L:layout P:printconv V:verify W:in_w b:back c:in_channels f:activ_mode i:iter m:mode n:batchsize r:run s:save t:time w:wall x:activ_alpha y:activ_beta ~:gpubuffer_check",
  },
  {
    operations: "activ activfp16",
    options:
      "A:alpha B:beta F:forw G:gamma H:in_h V:verify W:in_w c:in_channels i:iter m:mode n:batchsize t:time w:wall",
  },
  {
    operations: "softmax softmaxfp16",
    options:
      "A:alpha B:beta F:forw H:in_h V:verify W:in_w a:algorithm c:in_channels i:iter m:mode n:batchsize t:time w:wall",
  },
  {
    operations: "lrn lrnfp16",
    options:
      "A:alpha B:beta F:forw H:in_h K:lrnK N:lrnN P:printconv V:verify W:in_w c:in_channels i:iter m:mode n:batchsize t:time w:wall",
  },
  {
    operations: "dropout dropoutfp16",
    options:
      "F:forw V:verify d:input_dim e:use_mask f:gen_file i:iter l:seed_low m:seed_high o:dump_output p:dropout t:time u:mt w:wall",
  },
  {
    // X is 3.4's way to give the shape
    operations: "layernorm layernormfp16 layernormbfp16",
    options:
      "C:in_c D:in_d F:forw H:in_h L:layout N:in_n V:verify W:in_w X:input e:eps i:iter m:mode o:normalized_dim t:time w:wall",
  },
  {
    operations: "groupnorm groupnormfp16 groupnormbfp16",
    options:
      "D:in_d F:forw H:in_h V:verify W:in_w c:in_channels e:eps g:num_groups i:iter m:mode n:batchsize t:time w:wall",
  },
  {
    operations: "tensorop",
    options:
      "A:alpha1 B:alpha2 F:forw G:beta H:in_h V:verify W:in_w c:in_channels i:iter n:batchsize o:tensor_op t:time v:tensor_val w:wall",
  },
  {
    operations: "reduce reducefp16 reducefp64",
    options:
      "A:alpha B:beta C:CompType D:DimLengths F:forw I:IndicesUsed N:NanPropagation O:ReduceOp R:DimsToReduce V:verify d:in_data i:iter o:dump_output t:time w:wall",
  },
  {
    operations: "rnn rnnfp16",
    options:
      "F:forw H:hid_h L:seed_low M:seed_high P:dropout U:use_dropout V:verify W:in_h a:rnnalgo b:bias c:fwdtype f:datatype i:iter k:seq_len l:num_layer m:mode n:batchsize o:dump_output p:inputmode q:use_padding r:bidirection w:wall",
  },
  {
    operations: "rnn_seq rnn_seqfp16",
    options:
      "F:forw H:hid_h I:io_layout K:seq_len_array L:seed_low M:seed_high P:dropout U:use_dropout V:verify W:in_vec a:rnnalgo b:bias c:fwdtype f:datatype i:iter k:seq_len l:num_layer m:mode n:batch_size o:dump_output p:inputmode r:bidirection w:wall",
  },
  {
    operations: "gemm gemmfp16",
    options:
      "A:alpha B:beta C:isColMajor F:forw V:verify b:batch_count i:iter k:a_w m:a_h n:b_w t:time u:transA v:transB",
  },
  {
    operations: "ctc",
    options:
      "F:forw V:verify a:ctcalgo b:blank_label_id c:num_class i:iter k:input_len l:label_len m:apply_softmax_layer n:batchsize o:dump_output t:time v:verify_path w:wall",
  },
  {
    operations: "cat catfp16 catbfp16",
    options:
      "1:input1 2:input2 3:input3 4:input4 5:input5 6:input6 7:input7 8:input8 F:forw V:verify d:dim i:iter t:time w:wall",
  },
  {
    operations: "addlayernorm addlayernormfp16 addlayernormbfp16",
    options: "F:forw V:verify X:input e:eps i:iter m:mode o:normalized_dim t:time w:wall",
  },
  {
    operations: "t5layernorm t5layernormfp16 t5layernormbfp16",
    options: "F:forw V:verify X:input e:eps i:iter m:mode t:time w:wall",
  },
  {
    operations: "adam adamfp16 adamw adamwfp16",
    options:
      "1:beta1 2:beta2 F:forw V:verify W:weight_decay a:amsgrad d:dims e:eps i:iter l:lr m:maximize t:time w:wall",
  },
  {
    operations: "ampadam ampadamw",
    options:
      "1:beta1 2:beta2 F:forw V:verify W:weight_decay a:amsgrad d:dims e:eps f:found_inf i:iter l:lr m:maximize s:scale t:time w:wall",
  },
  {
    operations: "transformersadamw transformersadamwfp16 transformersampadamw",
    options: "1:beta1 2:beta2 F:forw V:verify W:weight_decay c:correct_bias d:dims e:eps i:iter l:lr t:time w:wall",
  },
  {
    operations: "reduceextreme reduceextremefp16 reduceextremebfp16",
    options: "F:forw O:ReduceExtremeOp R:DimToReduce V:verify X:input i:iter t:time w:wall",
  },
  {
    operations: "reducecalculation reducecalculationfp16 reducecalculationbfp16",
    options: "F:forw N:NanPropagation O:ReduceCalculationOp R:DimToReduce V:verify X:input i:iter t:time w:wall",
  },
  { operations: "rope ropefp16 ropebfp16", options: "F:forw V:verify X:input i:iter t:time w:wall" },
  {
    operations: "prelu prelufp16 prelubfp16",
    options: "D:input F:forw P:NumParameters V:verify i:iter t:time w:wall",
  },
  {
    operations: "kthvalue kthvaluefp16 kthvaluebfp16",
    options: "D:dim-lengths F:forw K:keep-dim V:verify c:is-contiguous d:dim i:iter k:k t:time w:wall",
  },
  { operations: "glu glufp16 glubfp16", options: "D:dim_lengths F:forw R:dim_to_split V:verify i:iter t:time w:wall" },
  {
    operations: "softmarginloss softmarginlossfp16 softmarginlossbfp16",
    options: "C:contiguous D:dim F:forw R:reduce S:stride V:verify i:iter t:time w:wall",
  },
  {
    operations: "multimarginloss multimarginlossfp16 multimarginlossbfp16",
    options: "C:contiguous D:dim F:forw R:reduce V:verify i:iter t:time w:wall",
  },
  {
    operations: "getitem getitemfp16 getitembfp16",
    options:
      "1:indexcount 2:dimcount 3:dims 4:slicecount 5:slices 6:offset D:indexs F:forw N:dinput O:doutput V:verify i:iter t:time w:wall",
  },
];

/** Options of one operation: letter → long name, and long name → letter. */
export interface DriverOptions {
  longOf: ReadonlyMap<string, string>;
  letterOf: ReadonlyMap<string, string>;
}

/** Convolution options that take a word; every other option of a convolution takes an integer [driver conv_driver.hpp]. */
export const CONV_WORD_OPTIONS: ReadonlySet<string> = new Set("IOfmzCdeaDSUTR");

const OPERATIONS = new Map<string, DriverOptions>();
for (const { operations, options } of TABLE) {
  const pairs = options.split(" ").map((pair): [string, string] => [pair.slice(0, 1), pair.slice(2)]);
  const known = { longOf: new Map(pairs), letterOf: new Map(pairs.map(([letter, long]) => [long, letter])) };
  for (const operation of operations.split(" ")) OPERATIONS.set(operation, known);
}

/** The options of an operation (`conv`, `poolfp16`, …), or undefined when MIOpenDriver has no such operation. */
export function driverOptions(operation: string): DriverOptions | undefined {
  return OPERATIONS.get(operation);
}
